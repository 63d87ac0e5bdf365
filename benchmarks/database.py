"""A database of a benchmark's own on the installation's server, dropped at its end."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from psycopg import sql

PREFIX = "tongdao_bench_"
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
REDIS_DATABASES = range(15, 0, -1)


@contextmanager
def own_database(name: str) -> Iterator[dict[str, str]]:
    """An empty database and an empty Redis database; yields the environment of processes that shall use them.

    `name` becomes a part of the database's name. Both are cleared at the end, however that comes; what a killed
    benchmark left behind is dropped here first. Raises CommandError where the server would lose acknowledged commits.
    """
    server = _maintenance_connection()
    fresh = f"{PREFIX}{re.sub('[^a-z0-9]', '_', name)}_{os.getpid()}"
    try:
        _check_durable(server)
        _drop_left_behind(server)
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(fresh)))
        try:
            # A session that stays tells others that the database is in use.
            with _maintenance_connection(fresh), _own_redis() as redis_url:
                yield {"DATABASE_URL": _database_url(fresh), "REDIS_URL": redis_url}
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(fresh)))
    finally:
        server.close()


def settle_down() -> None:
    """After filling: statistics, visibility and a checkpoint, so that the first round does not pay for the filling."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def _maintenance_connection(name: str | None = None) -> psycopg.Connection:
    given = connection.get_connection_params()
    parameters = {key: given[key] for key in ("host", "port", "user", "password") if given.get(key)}
    return psycopg.connect(**parameters, dbname=name or given["dbname"], autocommit=True)


def _check_durable(server: psycopg.Connection) -> None:
    for name, wanted in DURABLE.items():
        row = server.execute("SELECT current_setting(%s)", [name]).fetchone()
        if row is None or row[0] != wanted:
            raise CommandError(
                f"The server runs with {name} = {row and row[0]}: figures would be worth nothing."
            )


def _drop_left_behind(server: psycopg.Connection) -> None:
    found = server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
    for (name,) in found.fetchall():
        with suppress(psycopg.errors.ObjectInUse):  # a benchmark that is running
            server.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def _database_url(name: str) -> str:
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


@contextmanager
def _own_redis() -> Iterator[str]:
    """The URL of a Redis database that was empty; emptied again afterwards."""
    for number in REDIS_DATABASES:
        url = _redis_url(number)
        with redis.Redis.from_url(url) as client:
            # The mark keeps a second benchmark out; it is gone with the rest.
            if client.dbsize() or not client.set("benchmark", os.getpid(), nx=True):
                continue
            try:
                yield url
            finally:
                client.flushdb()
            return
    raise CommandError("No Redis database is empty: none can be lent to a benchmark.")


def _redis_url(number: int) -> str:
    given: str = settings.REDIS_URL
    if given.startswith("unix://"):
        return re.sub(r"\?db=\d+$|$", f"?db={number}", given, count=1)
    return urlunsplit(urlsplit(given)._replace(path=f"/{number}"))
