"""Whether PostgreSQL is away for a while (stopped, restarting, cut off, full), as against a statement that failed."""

import psycopg
from django.db import OperationalError

RETRY_AFTER_SECONDS = 5
# PostgreSQL's own words for it: being shut down, ended by a crash, starting, no connection left.
_STATES = {"57P01", "57P02", "57P03", "53300"}


def is_database_away(error: BaseException | None) -> bool:
    """Whether this error, or one behind it, says so. A deadlock or a cancelled statement does not."""
    seen = set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OperationalError | psycopg.OperationalError):
            cause = error.__cause__ if isinstance(error, OperationalError) else error
            state = getattr(cause, "sqlstate", None)  # none: there was no server to say one
            if state is None or state.startswith("08") or state in _STATES:
                return True
        error = error.__cause__ or error.__context__
    return False
