"""Whom to pay now, and why others not yet: all confirmed unpaid statements, per book, payee and kind."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django_scopes import scopes_disabled

from core.clock import database_now
from core.errors import DomainError
from coupons.settlement.domain.bank_accounts import find_accounts_in_use
from coupons.settlement.enums import (
    UNDER_WAY,
    PayeeKind,
    PayoutBatchState,
    PayoutState,
    StatementState,
    Withheld,
)
from coupons.settlement.models import BankAccount, Payout, PayoutBatch, PayoutItem, Statement
from identity.domain.audit import record_event
from identity.models import Party, User
from ledger.enums import AccountKind
from ledger.models import Balance
from merchants.models import Merchant

PAYEE_ACCOUNTS = {
    PayeeKind.MERCHANT: AccountKind.MERCHANT_PAYABLE,
    PayeeKind.PROVIDER: AccountKind.SERVICE_FEE,
    PayeeKind.STATION: AccountKind.STATION_SHARE,
    PayeeKind.CREATOR: AccountKind.COMMISSION,
}
PayeeKey = tuple[int, int, str]  # merchant, payee, kind


class NothingToPay(DomainError):
    """Nobody can be paid now."""

    code = "nothing_to_pay"


class BatchNotOpen(DomainError):
    """Somebody approved, withdrew or exported it before."""

    code = "batch_not_open"


@dataclass
class Proposal:
    """What one payee would get of one book (fen), to which account; or why he does not."""

    merchant: Merchant
    payee: Party
    kind: PayeeKind
    statements: list[Statement] = field(default_factory=list)
    balance_fen: int = 0
    account: BankAccount | None = None
    withheld: Withheld | None = None

    @property
    def amount_fen(self) -> int:
        return sum(statement.amount_fen for statement in self.statements)


@dataclass(frozen=True)
class Proposals:
    payable: list[Proposal]
    withheld: list[Proposal]

    @property
    def total_fen(self) -> int:
        return sum(proposal.amount_fen for proposal in self.payable)


def preview_payouts(*, currency: str = "CNY") -> Proposals:
    """What a batch proposed now would hold; nothing is locked or changed."""
    with scopes_disabled():
        return _propose(currency, lock=False)


def list_currencies() -> list[str]:
    """Currencies in which confirmed statements are unpaid."""
    with scopes_disabled():
        return sorted(
            Statement.objects.filter(state=StatementState.CONFIRMED, payout__isnull=True)
            .values_list("merchant__currency", flat=True)
            .distinct()
        )


@transaction.atomic
def propose_batch(*, by: User, currency: str = "CNY") -> PayoutBatch:
    """A batch that pays every payee who can be paid. Each statement is in at most one standing payout.

    One proposer at a time: a second one at the same moment finds what the first left. Raises NothingToPay.
    """
    with scopes_disabled():
        _one_proposer_at_a_time()
        proposals = _propose(currency, lock=True).payable
        if not proposals:
            raise NothingToPay
        batch = PayoutBatch.objects.create(number=_next_number(), currency=currency, proposed_by=by)
        for proposal in proposals:
            _write_payout(batch, proposal)
    _record("payout_batch.proposed", batch, by=by, payouts=len(proposals))
    return batch


@transaction.atomic
def withdraw_batch(*, batch: PayoutBatch, by: User) -> None:
    """Give up a batch nobody approved: its statements are payable again. Raises BatchNotOpen."""
    withdrawn = PayoutBatch.objects.filter(pk=batch.pk, state=PayoutBatchState.PROPOSED).update(
        state=PayoutBatchState.WITHDRAWN, withdrawn_by=by, withdrawn_at=Now()
    )
    if not withdrawn:
        raise BatchNotOpen
    with scopes_disabled():
        for payout in Payout.objects.filter(batch=batch, state=PayoutState.PROPOSED):
            drop_payout(payout=payout, why=Withheld.BATCH_WITHDRAWN)
    _record("payout_batch.withdrawn", batch, by=by)


def drop_payout(*, payout: Payout, why: Withheld) -> None:
    """Not paid after all, before anything was put aside; its statements are payable again."""
    dropped = Payout.objects.filter(pk=payout.pk, state=PayoutState.PROPOSED).update(
        state=PayoutState.DROPPED, dropped=why
    )
    if dropped != 1:
        raise BatchNotOpen
    release_statements(payout=payout)


def release_statements(*, payout: Payout) -> None:
    """The statements of a payout that no longer stands are payable by another."""
    Statement.objects.filter(payout=payout, state=StatementState.CONFIRMED).update(payout=None)


def read_balances(keys: Iterable[PayeeKey], *, lock: bool = False) -> dict[PayeeKey, int]:
    """Credits less debits (fen) of each payee's account in that book; with `lock` nobody moves it before we commit."""
    wanted = set(keys)
    kinds = {account: kind for kind, account in PAYEE_ACCOUNTS.items()}
    found = Balance.objects.filter(
        merchant_id__in={merchant for merchant, _payee, _kind in wanted},
        account__owner_id__in={payee for _merchant, payee, _kind in wanted},
        account__kind__in=list(kinds),
    ).order_by("account_id")
    if lock:
        found = found.select_for_update(of=("self",), no_key=True)
    balances = dict.fromkeys(wanted, 0)
    for balance in found.select_related("account"):
        key = (balance.merchant_id, balance.account.owner_id, str(kinds[AccountKind(balance.account.kind)]))
        if key in wanted:
            balances[key] += balance.credits_fen - balance.debits_fen
    return balances


def _propose(currency: str, *, lock: bool) -> Proposals:
    unpaid = Statement.objects.filter(
        state=StatementState.CONFIRMED,
        payout__isnull=True,
        merchant__currency=currency,
        merchant__shadow_of__isnull=True,
    ).order_by("merchant_id", "payee_id", "kind", "id")
    if lock:
        unpaid = unpaid.select_for_update(of=("self",), no_key=True)
    proposals: dict[PayeeKey, Proposal] = {}
    for statement in unpaid.select_related("merchant", "payee"):
        key = (statement.merchant_id, statement.payee_id, statement.kind)
        proposal = proposals.setdefault(
            key, Proposal(statement.merchant, statement.payee, PayeeKind(statement.kind))
        )
        proposal.statements.append(statement)
    balances = read_balances(proposals)
    accounts = find_accounts_in_use(payee_ids=[payee for _merchant, payee, _kind in proposals])
    busy = set(Payout.objects.filter(state__in=UNDER_WAY).values_list("merchant_id", "payee_id", "kind"))
    for key, proposal in proposals.items():
        proposal.balance_fen, proposal.account = balances[key], accounts.get(key[1])
        proposal.withheld = _why_not(proposal, is_busy=key in busy)
    return Proposals(
        payable=[proposal for proposal in proposals.values() if proposal.withheld is None],
        withheld=[proposal for proposal in proposals.values() if proposal.withheld is not None],
    )


def _why_not(proposal: Proposal, *, is_busy: bool) -> Withheld | None:
    """A payout never takes a balance below zero: what is to be given back is netted first."""
    if is_busy:
        return Withheld.UNDER_WAY
    if proposal.amount_fen <= 0:
        return Withheld.NOT_POSITIVE
    if proposal.balance_fen < proposal.amount_fen:
        return Withheld.BALANCE
    return Withheld.NO_ACCOUNT if proposal.account is None else None


def _one_proposer_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('settlement.propose_batch', 0))")


def _next_number() -> str:
    """B, the day of the installation's zone, the number of the day; safe under the proposers' lock."""
    day = timezone.localtime(database_now()).date()
    made = PayoutBatch.objects.filter(number__startswith=f"B{day:%Y%m%d}-").count()
    return f"B{day:%Y%m%d}-{made + 1:02d}"


def _write_payout(batch: PayoutBatch, proposal: Proposal) -> None:
    assert proposal.account is not None  # noqa: S101 - whoever has none is withheld
    payout = Payout.objects.create(
        merchant=proposal.merchant,
        batch=batch,
        payee=proposal.payee,
        kind=proposal.kind,
        account=proposal.account,
        amount_fen=proposal.amount_fen,
    )
    PayoutItem.objects.bulk_create(
        PayoutItem(
            merchant=proposal.merchant, payout=payout, statement=statement, amount_fen=statement.amount_fen
        )
        for statement in proposal.statements
    )
    taken = Statement.objects.filter(
        pk__in=[statement.pk for statement in proposal.statements],
        state=StatementState.CONFIRMED,
        payout__isnull=True,
    ).update(payout=payout)
    if taken != len(proposal.statements):
        raise BatchNotOpen


def _record(verb: str, batch: PayoutBatch, *, by: User, **facts: int) -> None:
    record_event(verb=verb, noun="payout_batch", noun_id=batch.pk, by=by, number=batch.number, **facts)
