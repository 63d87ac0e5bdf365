"""The tests' own flush (see conftest.py) gets past the ledger's guards and leaves them as they were."""

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from identity.models import Party
from ledger.models import Balance, LedgerAccount

pytestmark = pytest.mark.django_db(transaction=True)


def guards() -> list[tuple[str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger"
            " WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE 'ledger%' ORDER BY 1, 2"
        )
        return cursor.fetchall()


def test_flush_empties_the_ledger_and_keeps_its_guards():
    before = guards()
    assert {enabled for _table, _name, enabled in before} == {"A"}
    LedgerAccount.objects.create(
        merchant_id=1, kind="merchant_payable", owner=Party.objects.create(kind="merchant")
    )
    assert Balance.objects.count() == 1
    call_command("flush", verbosity=0, interactive=False)
    assert (LedgerAccount.objects.count(), Balance.objects.count()) == (0, 0)
    assert guards() == before
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE ledger_account CASCADE")


def test_flush_keeps_what_describes_the_models():
    before = set(Permission.objects.values_list("content_type__app_label", "codename"))
    assert ("coupons", "view_deal") in before
    call_command("flush", verbosity=0, interactive=False)
    assert set(Permission.objects.values_list("content_type__app_label", "codename")) == before
