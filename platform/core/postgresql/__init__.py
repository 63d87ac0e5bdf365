"""Django's PostgreSQL backend with two additions for hot paths; see base.py. Named by DATABASES["default"]["ENGINE"]."""

from core.postgresql.prepared import prepared_cursor
from core.postgresql.rows import ModelColumns

__all__ = ["ModelColumns", "prepared_cursor"]
