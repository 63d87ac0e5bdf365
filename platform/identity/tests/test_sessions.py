"""Sessions with their user beside them: kept in step, cleared, carried over from Django's own table."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DjangosStore
from django.contrib.sessions.models import Session as DjangosSession
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from identity.models import Session, User
from identity.sessions import SessionStore, belongs_to

PASSWORD = "a-long-password-of-hers"


@pytest.fixture
def user(db):
    return User.objects.create_user(name="李娜", phone="+8613712345678", password=PASSWORD)


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def test_the_user_stands_beside_the_session_until_he_signs_out(user):
    client = signed_in(user)
    assert Session.objects.get().user == user

    client.post("/accounts/logout/")
    assert not Session.objects.filter(user=user).exists()


def test_a_visitor_is_nobody(user):
    session = SessionStore()
    session["basket"] = 1
    session.save()
    assert Session.objects.get().user is None


def test_the_column_follows_what_the_session_says(user):
    other = User.objects.create_user(name="王强", phone="+8613712345679")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session.save()
    session[SESSION_KEY] = str(other.pk)
    session.save()
    assert Session.objects.get().user == other
    session.flush()
    assert Session.objects.count() == 0


def test_a_session_whose_column_lies_lets_nobody_in(user):
    """What is signed decides; the column only finds."""
    other = User.objects.create_user(name="王强", phone="+8613712345679")
    client = signed_in(other)
    Session.objects.update(user=user)
    key = client.cookies["sessionid"].value
    assert not belongs_to(SessionStore(key), user)
    assert belongs_to(SessionStore(key), other)


def test_who_is_deleted_is_signed_out(user):
    client = signed_in(user)
    user.delete()
    assert Session.objects.count() == 0
    assert client.get("/clerk/").status_code == 302


def test_clearsessions_clears_those_that_ended(user):
    signed_in(user)
    kept = signed_in(user).cookies["sessionid"].value
    Session.objects.exclude(pk=kept).update(expire_date=timezone.now() - timedelta(seconds=1))
    call_command("clearsessions")
    assert list(Session.objects.values_list("pk", flat=True)) == [kept]


def test_a_loaded_session_keeps_what_it_has(user):
    session = SessionStore()
    session["a"] = 1
    session.adopt(SessionStore().encode({"a": 2}))
    assert session["a"] == 1


def test_whoever_was_signed_in_before_stays_signed_in(user):
    carry_over = import_module("identity.migrations.0004_sessions_know_their_user").carry_over
    mine = signed_in(user).cookies["sessionid"].value
    row = Session.objects.get()
    later, before = timezone.now() + timedelta(days=1), timezone.now() - timedelta(seconds=1)
    DjangosSession.objects.create(pk=mine, session_data=row.session_data, expire_date=row.expire_date)
    DjangosSession.objects.create(pk="ended", session_data=row.session_data, expire_date=before)
    DjangosSession.objects.create(pk="unreadable", session_data="nothing", expire_date=later)
    gone, nobody = DjangosStore().encode({SESSION_KEY: "1"}), DjangosStore().encode({"basket": 1})
    DjangosSession.objects.create(pk="of-nobody-left", session_data=gone, expire_date=later)
    DjangosSession.objects.create(pk="a-visitor", session_data=nobody, expire_date=later)
    row.delete()

    with connection.schema_editor() as editor:
        carry_over(apps, editor)

    assert list(Session.objects.values_list("pk", "user", "expire_date")) == [
        (mine, user.pk, row.expire_date)
    ]
    assert DjangosSession.objects.count() == 0
    assert belongs_to(SessionStore(mine), user)
