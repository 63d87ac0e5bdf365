"""The base of every refusal: a stable code and the facts that explain it. No HTTP, no sentences (see refusals.py)."""

from typing import Any, ClassVar


class DomainError(Exception):
    """A request that is refused; nothing was changed.

    `code` is stable and may be stored; `facts` are JSON values a sentence can be filled with.
    """

    code: ClassVar[str] = "refused"

    def __init__(self, **facts: Any) -> None:
        super().__init__(self.code, facts)
        self.facts = facts


class NotFound(DomainError):
    """Missing or not yours: strangers cannot tell which."""

    code = "not_found"


class Invalid(DomainError):
    """A value that cannot be; `facts["field"]` names it."""

    code = "invalid"
