"""The database backend: prepared statements with one plan, and a connection whose server went away."""

import psycopg
import pytest
from django.db import connection

from core.postgresql import prepared_cursor

PLANS = "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT 41 + %%'"


def add(number):
    with prepared_cursor() as cursor:
        cursor.execute("SELECT 41 + %s::bigint + cardinality(%s::bigint[])", [number, [1, 2]])
        return cursor.fetchone()[0]


def plans():
    with connection.cursor() as cursor:
        cursor.execute(PLANS)
        return cursor.fetchall()


@pytest.mark.django_db(transaction=True)
def test_a_statement_is_prepared_once_and_keeps_one_plan():
    connection.close()
    assert [add(number) for number in range(12)] == [43 + number for number in range(12)]
    assert plans() == [(12, 0)]


@pytest.mark.django_db(transaction=True)
def test_where_statements_cannot_be_kept_it_works_without(monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "prepare_threshold", None)
    connection.close()
    try:
        assert [add(number) for number in range(3)] == [43, 44, 45]
        assert plans() == []
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cursor_of", [connection.cursor, prepared_cursor], ids=["ordinary", "prepared"])
def test_a_request_after_the_server_ended_the_session_gets_a_new_one(cursor_of):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (before,) = cursor.fetchone()
    given = connection.get_connection_params()
    where = {key: given[key] for key in ("host", "port", "user", "password", "dbname") if given.get(key)}
    with psycopg.connect(**where, autocommit=True) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", [before]).fetchone() == (True,)

    connection.close_if_unusable_or_obsolete()  # between two requests
    with cursor_of() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone()[0] != before


@pytest.mark.django_db(transaction=True)
def test_a_healthy_connection_is_used_without_being_asked(monkeypatch):
    connection.ensure_connection()
    connection.close_if_unusable_or_obsolete()
    monkeypatch.setattr(
        type(connection._connections["default"]), "is_usable", lambda self: pytest.fail("asked")
    )
    assert add(1) == 44
