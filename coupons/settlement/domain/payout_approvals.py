"""A second person lets a batch go: its amounts are put aside in the books, then it is written for the bank, once."""

import hashlib
import io
from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Now
from django_scopes import scopes_disabled

from core.clock import database_now
from core.encryption import decrypt_bytes, encrypt_bytes
from core.errors import DomainError
from core.exports import safe_text, stream_csv, write_xlsx
from coupons.settlement.domain.bank_accounts import find_accounts_in_use, read_number
from coupons.settlement.domain.payout_proposals import (
    PAYEE_ACCOUNTS,
    BatchNotOpen,
    PayeeKey,
    drop_payout,
    read_balances,
)
from coupons.settlement.enums import BankFileKind, PayeeKind, PayoutBatchState, PayoutState, Withheld
from coupons.settlement.models import Payout, PayoutBatch
from identity.domain.audit import record_event
from identity.models import User
from ledger.domain.accounts import open_account
from ledger.domain.journals import Posting, write_journal
from ledger.enums import AccountKind, JournalKind

KEY_PREFIX = "PO"  # so that a spreadsheet takes the id for text and loses none of its digits
BANK_COLUMNS = ["payout_id", "holder", "bank", "account_number", "amount", "currency", "remark"]


class SecondPersonNeeded(DomainError):
    """Whoever proposed a batch does not approve it."""

    code = "second_person_needed"


@dataclass(frozen=True)
class Approval:
    """What was put aside, and what was dropped because its payee's balance or account changed meanwhile."""

    held: list[Payout]
    dropped: list[Payout]


@transaction.atomic
def approve_batch(*, batch: PayoutBatch, by: User) -> Approval:
    """Put every payout's amount aside, exactly once. Raises SecondPersonNeeded, BatchNotOpen.

    A payout whose payee's balance no longer covers it, or whose account is no longer the one in use, is dropped; a batch
    of which nothing is left is withdrawn.
    """
    with scopes_disabled():
        locked = PayoutBatch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
        if locked.state != PayoutBatchState.PROPOSED:
            raise BatchNotOpen
        if locked.proposed_by_id == by.pk:
            raise SecondPersonNeeded
        approval = _hold(list(locked.payouts.select_related("merchant").order_by("merchant_id", "id")))
        if approval.held:
            PayoutBatch.objects.filter(pk=batch.pk).update(
                state=PayoutBatchState.APPROVED, approved_by=by, approved_at=Now()
            )
        else:
            PayoutBatch.objects.filter(pk=batch.pk).update(
                state=PayoutBatchState.WITHDRAWN, withdrawn_by=by, withdrawn_at=Now()
            )
    _record("payout_batch.approved" if approval.held else "payout_batch.withdrawn", locked, by=by)
    batch.refresh_from_db()
    return approval


def _hold(payouts: list[Payout]) -> Approval:
    now = database_now()
    balances = read_balances((_key(payout) for payout in payouts), lock=True)
    in_use = find_accounts_in_use(payee_ids=[payout.payee_id for payout in payouts])
    approval = Approval([], [])
    for payout in payouts:
        account = in_use.get(payout.payee_id)
        if account is None or account.pk != payout.account_id:
            drop_payout(payout=payout, why=Withheld.ACCOUNT_CHANGED)
            approval.dropped.append(payout)
        elif balances[_key(payout)] < payout.amount_fen:
            drop_payout(payout=payout, why=Withheld.BALANCE)
            approval.dropped.append(payout)
        else:
            journal = write_journal(
                merchant_id=payout.merchant_id,
                kind=JournalKind.PAYOUT_HOLD,
                source=f"payout:{payout.pk}:hold",
                happened_at=now,
                postings=[Posting(payee_account(payout), held_account(payout), payout.amount_fen)],
                currency=payout.merchant.currency,
            )
            Payout.objects.filter(pk=payout.pk, state=PayoutState.PROPOSED).update(
                state=PayoutState.APPROVED, hold=journal
            )
            approval.held.append(payout)
    return approval


def _key(payout: Payout) -> PayeeKey:
    return payout.merchant_id, payout.payee_id, payout.kind


def payee_account(payout: Payout) -> int:
    """Where the book says what the payee is owed."""
    return _account(payout, PAYEE_ACCOUNTS[PayeeKind(payout.kind)], payout.payee_id)


def held_account(payout: Payout) -> int:
    """Where the book keeps what is on its way to him."""
    return _account(payout, AccountKind.PAYOUT_HELD, payout.payee_id)


def _account(payout: Payout, kind: AccountKind, owner_id: int) -> int:
    return open_account(
        merchant_id=payout.merchant_id, kind=kind, owner_id=owner_id, currency=payout.merchant.currency
    )


@transaction.atomic
def export_batch(*, batch: PayoutBatch, kind: BankFileKind, by: User) -> bytes:
    """The file for the bank: written at the first call and the same bytes ever after, whatever `kind` says then.

    Raises BatchNotOpen where nobody approved the batch yet.
    """
    with scopes_disabled():
        locked = PayoutBatch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
        if locked.file_encrypted is not None:
            _record("payout_batch.downloaded", locked, by=by)
            batch.refresh_from_db()
            return decrypt_bytes(bytes(locked.file_encrypted))
        if locked.state != PayoutBatchState.APPROVED:
            raise BatchNotOpen
        content = _write_file(locked, kind)
        PayoutBatch.objects.filter(pk=batch.pk).update(
            state=PayoutBatchState.EXPORTED,
            exported_by=by,
            exported_at=Now(),
            file_kind=kind,
            file_encrypted=encrypt_bytes(content),
            file_sha256=hashlib.sha256(content).hexdigest(),
        )
        Payout.objects.filter(batch=batch, state=PayoutState.APPROVED).update(state=PayoutState.SENT)
    _record("payout_batch.exported", locked, by=by)
    batch.refresh_from_db()
    return content


def _write_file(batch: PayoutBatch, kind: BankFileKind) -> bytes:
    payouts = batch.payouts.filter(state=PayoutState.APPROVED).select_related("account", "merchant")
    body = [
        [
            f"{KEY_PREFIX}{payout.pk}",
            payout.account.holder,
            payout.account.bank,
            read_number(account=payout.account),
            f"{payout.amount_fen // 100}.{payout.amount_fen % 100:02d}",
            batch.currency,
            f"{batch.number} {payout.merchant.name}",
        ]
        for payout in payouts.order_by("id")
    ]
    if kind == BankFileKind.XLSX:
        with write_xlsx(title=batch.number, head=BANK_COLUMNS, body=body) as file:
            return file.read()
    text = io.StringIO()
    text.writelines(stream_csv(head=BANK_COLUMNS, body=([safe_text(cell) for cell in row] for row in body)))
    return text.getvalue().encode()


def _record(verb: str, batch: PayoutBatch, *, by: User) -> None:
    record_event(verb=verb, noun="payout_batch", noun_id=batch.pk, by=by, number=batch.number)
