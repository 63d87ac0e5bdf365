"""Ids: 63-bit, time-ordered, minted by the database so that set-based SQL mints them too.

41 bits of milliseconds since 2024, 10 bits of shard, 12 bits of sequence. JSON shows every id as a string,
since JavaScript keeps 53 bits only.
"""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

# The brackets matter: to PostgreSQL << and | bind alike, from left to right.
MINT_ID_SQL = """
CREATE SEQUENCE mint_id_seq;
CREATE FUNCTION mint_id() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT (((extract(epoch FROM clock_timestamp()) * 1000)::bigint - 1704067200000) << 22)
       | ((COALESCE(NULLIF(current_setting('tongdao.shard', true), ''), '0')::bigint & 1023) << 12)
       | (nextval('mint_id_seq') & 4095)
$$;
"""


class IdField(models.BigAutoField):
    """A primary key whose value comes from mint_id() in the database."""

    def db_type_suffix(self, connection: BaseDatabaseWrapper) -> str:
        return "DEFAULT mint_id()"

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "core.ids.IdField", args, kwargs
