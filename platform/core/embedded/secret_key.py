"""A secret key for installations that set none."""

import os
import secrets

from core.embedded.folder import find_data_folder
from core.embedded.servers import MARK


def local_secret_key() -> str:
    """The data folder's own key, made at first use and readable by its owner only.

    Raises SystemExit with one sentence where an operator runs on a database of their own without DEBUG: there a key
    that nobody chose would differ between machines and sign everybody out.
    """
    debug = os.environ.get("DEBUG", "").strip().lower() in ("true", "on", "ok", "y", "yes", "1")
    if os.environ.get("DATABASE_URL") and MARK not in os.environ and not debug:
        raise SystemExit(
            "SECRET_KEY is not set: give it a long random value, because DATABASE_URL is set and DEBUG is off."
        )
    folder = find_data_folder()
    file = folder.path / "secret-key"
    if not file.exists():
        with folder.lock("secret-key"):
            if not file.exists():
                fresh = file.with_suffix(".new")
                descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(descriptor, "w") as opened:
                    opened.write(secrets.token_urlsafe(50))
                fresh.replace(file)
    return file.read_text()
