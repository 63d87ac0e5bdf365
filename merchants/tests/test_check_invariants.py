"""`manage.py check_invariants`: figures for a machine, sentences for a person, an exit status for a script."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core.invariants import load_catalogue
from core.models import InvariantRun
from identity.models import User
from merchants.domain.merchants import create_merchant
from merchants.models import Merchant

pytestmark = pytest.mark.django_db


@pytest.fixture
def shops() -> tuple[Merchant, Merchant]:
    first, second = (
        create_merchant(slug=slug, name=slug, owner=User.objects.create_user(name=slug))
        for slug in ("laozao", "qingmu")
    )
    return first, second


def break_one(merchant: Merchant) -> None:
    """A post whose grant was taken away behind its back."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE identity_grant SET valid_until = now() WHERE party_id = %s", [merchant.pk])


def run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("check_invariants", *arguments, stdout=out)
    except SystemExit as leaving:
        return int(leaving.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_all_holds(shops: tuple[Merchant, Merchant]) -> None:
    status, out = run("--json")

    assert status == 0
    assert json.loads(out.splitlines()[-1]) == {"invariants": len(load_catalogue()), "broken": {}}
    kept = InvariantRun.objects.get()
    assert (kept.trigger, kept.merchant_id, kept.broken) == ("command", None, 0)


def test_what_is_broken_is_named_and_the_status_says_so(shops: tuple[Merchant, Merchant]) -> None:
    first, second = shops
    break_one(first)

    assert run("--json") == (
        1,
        json.dumps({"invariants": len(load_catalogue()), "broken": {"posts_and_grants_agree": 1}}) + "\n",
    )
    assert run("--json", "--merchant", "laozao")[0] == 1
    assert run("--json", "--merchant", second.slug) == (
        0,
        json.dumps({"invariants": len(load_catalogue()), "broken": {}}) + "\n",
    )


def test_a_person_reads_sentences(shops: tuple[Merchant, Merchant]) -> None:
    break_one(shops[0])

    status, out = run()

    assert status == 1
    for name, invariant in load_catalogue().items():
        assert f"  {name}\n          {invariant.sentence}\n" in out
    assert "     1  posts_and_grants_agree\n" in out
    assert f"            merchant_id {shops[0].pk}, user_id " in out
    assert out.endswith(f"\n{len(load_catalogue())} invariants, 1 broken.\n")


def test_an_unknown_merchant_is_one_sentence(shops: tuple[Merchant, Merchant]) -> None:
    with pytest.raises(CommandError, match=r"^There is no merchant nobody\.$") as refused:
        call_command("check_invariants", "--merchant", "nobody")

    assert refused.value.returncode == 2
    assert not InvariantRun.objects.exists()
