"""Bank accounts of payees: changed only with a fresh second factor, in use only after a waiting time."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from core.clock import database_now
from core.encryption import decrypt, encrypt
from core.errors import DomainError, Invalid
from coupons.settlement.models import BankAccount
from coupons.settlement.models.bank_account import TAIL_DIGITS
from identity.domain.audit import record_event
from identity.domain.second_factor import check_second_factor
from identity.enums import PartyKind
from identity.models import Party, User

NUMBER = re.compile(r"[A-Z0-9]{8,34}")  # a Chinese account has 8 to 32 digits, an IBAN up to 34 characters


class BankAccountWaiting(DomainError):
    """Another change waits already: facts tail and active_from."""

    code = "bank_account_waiting"


class BankAccountInUse(DomainError):
    """Its waiting time is over, or it was cancelled before."""

    code = "bank_account_in_use"


@dataclass(frozen=True)
class AccountsOfPayee:
    """The one in use, the one that waits for its time, and every one there was, newest first."""

    in_use: BankAccount | None
    waiting: BankAccount | None
    all: list[BankAccount]


def clean_number(text: str) -> str:
    """The number without blanks and dashes, full-width digits as plain ones. Raises Invalid(field="number")."""
    number = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()
    if not NUMBER.fullmatch(number):
        raise Invalid(field="number")
    return number


@transaction.atomic
def request_bank_account(
    *,
    payee: Party,
    holder: str,
    bank: str,
    number: str,
    by: User,
    second_factor_at: datetime | None,
    at: datetime | None = None,
) -> BankAccount:
    """A new version that is in use BANK_ACCOUNT_WAIT_HOURS after `at` (default: now); the old one stays till then.

    Raises SecondFactorMissing, SecondFactorStale, Invalid(field), BankAccountWaiting. One change at a time per payee.
    """
    now = at or database_now()
    shown_at = check_second_factor(user=by, shown_at=second_factor_at, at=now)
    number = clean_number(number)
    for field, value in (("holder", holder), ("bank", bank)):
        if not value.strip():
            raise Invalid(field=field)
    Party.objects.select_for_update(of=("self",), no_key=True).get(pk=payee.pk)
    waiting = _standing(payee_id=payee.pk).filter(active_from__gt=now).first()
    if waiting is not None:
        raise BankAccountWaiting(tail=waiting.number_tail, active_from=waiting.active_from.isoformat())
    account = BankAccount.objects.create(
        payee=payee,
        holder=holder.strip(),
        bank=bank.strip(),
        number_encrypted=encrypt(number),
        number_tail=number[-TAIL_DIGITS:],
        requested_by=by,
        requested_at=now,
        second_factor_at=shown_at,
        active_from=now + timedelta(hours=settings.BANK_ACCOUNT_WAIT_HOURS),
    )
    _record("bank_account.requested", account, by=by, active_from=account.active_from.isoformat())
    return account


@transaction.atomic
def cancel_bank_account(*, account: BankAccount, by: User) -> None:
    """Stop a change that waits; the old account stays in use. Raises BankAccountInUse."""
    now = database_now()
    cancelled = BankAccount.objects.filter(
        pk=account.pk, cancelled_at__isnull=True, active_from__gt=now
    ).update(cancelled_at=now, cancelled_by=by)
    if not cancelled:
        raise BankAccountInUse
    _record("bank_account.cancelled", account, by=by)


def read_bank_accounts(*, payee_id: int, at: datetime | None = None) -> AccountsOfPayee:
    """The payee's accounts as they stand at `at` (default: now)."""
    now = at or database_now()
    versions = list(
        BankAccount.objects.filter(payee_id=payee_id)
        .select_related("requested_by", "cancelled_by")
        .order_by("-active_from", "-id")
    )
    standing = [account for account in versions if account.cancelled_at is None]
    return AccountsOfPayee(
        in_use=next((account for account in standing if account.active_from <= now), None),
        waiting=next((account for account in standing if account.active_from > now), None),
        all=versions,
    )


def find_accounts_in_use(*, payee_ids: list[int], at: datetime | None = None) -> dict[int, BankAccount]:
    """The account in use of each of these payees; who has none is not in it."""
    return {
        account.payee_id: account
        for account in BankAccount.objects.filter(
            payee_id__in=payee_ids, cancelled_at__isnull=True, active_from__lte=at or database_now()
        )
        .order_by("payee_id", "-active_from", "-id")
        .distinct("payee_id")
    }


def read_number(*, account: BankAccount) -> str:
    """The whole number; for the bank's file alone."""
    return decrypt(account.number_encrypted)


def _standing(*, payee_id: int) -> QuerySet[BankAccount]:
    return BankAccount.objects.filter(payee_id=payee_id, cancelled_at__isnull=True)


def _record(verb: str, account: BankAccount, *, by: User, **facts: str) -> None:
    payee = account.payee
    record_event(
        verb=verb, noun="bank_account", noun_id=account.pk, by=by,
        merchant_id=payee.pk if payee.kind == PartyKind.MERCHANT else None, tail=account.number_tail, **facts,
    )  # fmt: skip
