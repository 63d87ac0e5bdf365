"""What the bank said of a batch: read and judged row by row, then applied whole or not at all. A repeat changes nothing."""

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import models, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import scopes_disabled

from core.clock import database_now
from core.errors import DomainError
from core.imports.mapping import ImportField, check_mapping, guess_mapping, mapped_values
from core.imports.table import read_table
from coupons.settlement.domain.payout_approvals import KEY_PREFIX, held_account, payee_account
from coupons.settlement.domain.payout_proposals import release_statements
from coupons.settlement.enums import PayoutBatchState, PayoutState, StatementState
from coupons.settlement.models import Payout, PayoutBatch, PayoutResults, Statement
from identity.domain.audit import record_event
from identity.domain.platform_party import get_platform_party
from identity.models import User
from ledger.domain.accounts import open_account
from ledger.domain.journals import Posting, write_journal
from ledger.enums import AccountKind, JournalKind
from ledger.models import Journal

FIELDS = [
    ImportField("payout_id", _("Payout"), ("打款编号", "业务编号", "payout"), is_required=True),
    ImportField("result", _("Result"), ("结果", "处理结果", "状态", "status"), is_required=True),
    ImportField("amount", _("Amount"), ("金额",)),
    ImportField("reference", _("Bank's reference"), ("流水号", "银行流水号", "bank_reference")),
    ImportField("reason", _("Why it came back"), ("原因", "失败原因", "退回原因")),
]
PAID_WORDS = frozenset({"paid", "success", "succeeded", "ok", "成功", "已付款", "已打款", "付款成功"})
FAILED_WORDS = frozenset({"failed", "failure", "fail", "returned", "失败", "退回", "退票", "付款失败"})


class RowFault(models.TextChoices):
    UNKNOWN_PAYOUT = "unknown_payout", _("No payout of this batch has this number")
    UNKNOWN_RESULT = "unknown_result", _("Neither paid nor failed")
    WRONG_AMOUNT = "wrong_amount", _("The amount is not that of the payout")
    TWICE = "twice", _("The payout stands twice in the file")
    CONTRADICTS = "contradicts", _("The bank said the opposite before")
    NOT_SENT = "not_sent", _("It was never sent to the bank")


class RowEffect(models.TextChoices):
    PAY = "pay", _("Will be paid")
    FAIL = "fail", _("Will come back")
    NOTHING = "nothing", _("Known already")


class ResultsRefused(DomainError):
    """Rows of the file are bad: nothing was applied. Facts: bad (how many)."""

    code = "payout_results_refused"


@dataclass(frozen=True)
class ResultRow:
    """One row as the file has it, with its number in a spreadsheet program."""

    number: int
    payout: str
    result: str
    amount: str
    reference: str
    reason: str


@dataclass(frozen=True)
class Judged:
    """What a row would do now, or why it is bad."""

    row: ResultRow
    payout: Payout | None
    effect: RowEffect | None
    fault: RowFault | None


def upload_results(*, batch: PayoutBatch, file_name: str, content: bytes, by: User) -> PayoutResults:
    """Keep a file's rows to be looked at. Raises TableUnreadable, ColumnMissing, ColumnTwice, and ResultsRefused if empty."""
    table = read_table(content=content)
    mapping = guess_mapping(fields=FIELDS, columns=table.columns)
    check_mapping(mapping=mapping, fields=FIELDS, columns=table.columns)
    if not table.rows:
        raise ResultsRefused(bad=0)
    rows = []
    for row in table.rows:
        said = mapped_values(row=row, mapping=mapping)
        rows.append(
            ResultRow(
                number=row.number,
                payout=said.get("payout_id", "").strip()[:40],
                result=said.get("result", "").strip()[:40],
                amount=said.get("amount", "").strip()[:40],
                reference=said.get("reference", "").strip()[:80],
                reason=said.get("reason", "").strip()[:200],
            )
        )
    return PayoutResults.objects.create(
        batch=batch, file_name=file_name[:120], rows=[asdict(row) for row in rows], uploaded_by=by
    )


def judge_results(*, results: PayoutResults, lock: bool = False) -> list[Judged]:
    """Every row as it stands now: what applying it would do, or why it is bad."""
    with scopes_disabled():
        found = (
            Payout.objects.filter(batch_id=results.batch_id)
            .select_related("merchant", "payee")
            .order_by("id")
        )
        if lock:
            found = found.select_for_update(of=("self",))
        payouts = {f"{KEY_PREFIX}{payout.pk}": payout for payout in found}
    seen: set[str] = set()
    judged = []
    for said in results.rows:
        row = ResultRow(**said)
        payout = payouts.get(row.payout)
        effect, fault = _judge(row, payout, is_twice=row.payout in seen)
        seen.add(row.payout)
        judged.append(Judged(row, payout, effect, fault))
    return judged


@transaction.atomic
def apply_results(*, results: PayoutResults, by: User) -> list[Judged]:
    """Book what the bank said: paid for good, or back to the payee's balance with the statements payable again.

    Exactly once per payout: a file applied again, or another with the same rows, changes nothing. Raises ResultsRefused
    where one row is bad; then nothing of the file is applied.
    """
    with scopes_disabled():
        batch = PayoutBatch.objects.select_for_update(of=("self",)).get(pk=results.batch_id)
        judged = judge_results(results=results, lock=True)
        bad = sum(one.fault is not None for one in judged)
        if bad:
            raise ResultsRefused(bad=bad)
        now = database_now()
        for one in judged:
            assert one.payout is not None  # noqa: S101 - else it is bad
            if one.effect == RowEffect.PAY:
                _pay(one.payout, reference=one.row.reference, at=now)
            elif one.effect == RowEffect.FAIL:
                _fail(one.payout, reference=one.row.reference, reason=one.row.reason, at=now)
        if not batch.payouts.filter(state=PayoutState.SENT).exists():
            PayoutBatch.objects.filter(pk=batch.pk, state=PayoutBatchState.EXPORTED).update(
                state=PayoutBatchState.FINISHED
            )
        PayoutResults.objects.filter(pk=results.pk, applied_at__isnull=True).update(
            applied_at=Now(), applied_by=by
        )
    effects = [one.effect for one in judged]
    record_event(
        verb="payout_batch.results", noun="payout_batch", noun_id=batch.pk, by=by, number=batch.number,
        paid=effects.count(RowEffect.PAY), failed=effects.count(RowEffect.FAIL),
    )  # fmt: skip
    return judged


def _judge(
    row: ResultRow, payout: Payout | None, *, is_twice: bool
) -> tuple[RowEffect | None, RowFault | None]:
    word = row.result.lower()
    if payout is None:
        return None, RowFault.UNKNOWN_PAYOUT
    if is_twice:
        return None, RowFault.TWICE
    if word not in PAID_WORDS | FAILED_WORDS:
        return None, RowFault.UNKNOWN_RESULT
    if (
        row.amount
        and row.amount.replace(",", "") != f"{payout.amount_fen // 100}.{payout.amount_fen % 100:02d}"
    ):
        return None, RowFault.WRONG_AMOUNT
    said, before = (PayoutState.PAID if word in PAID_WORDS else PayoutState.FAILED), PayoutState(payout.state)
    if before == said:
        return RowEffect.NOTHING, None
    if before in (PayoutState.PAID, PayoutState.FAILED):
        return None, RowFault.CONTRADICTS
    if before != PayoutState.SENT:
        return None, RowFault.NOT_SENT
    return (RowEffect.PAY if said == PayoutState.PAID else RowEffect.FAIL), None


def _pay(payout: Payout, *, reference: str, at: datetime) -> None:
    bank = open_account(
        merchant_id=payout.merchant_id,
        kind=AccountKind.BANK,
        owner_id=get_platform_party().pk,
        currency=payout.merchant.currency,
    )
    journal = _write_result(payout, JournalKind.PAYOUT, credit=bank, at=at)
    _finish(payout, PayoutState.PAID, journal, reference=reference)
    Statement.objects.filter(payout=payout, state=StatementState.CONFIRMED).update(state=StatementState.PAID)


def _fail(payout: Payout, *, reference: str, reason: str, at: datetime) -> None:
    journal = _write_result(
        payout, JournalKind.PAYOUT_VOID, credit=payee_account(payout), at=at, takes_back=True
    )
    _finish(payout, PayoutState.FAILED, journal, reference=reference, failure=reason)
    release_statements(payout=payout)


def _write_result(
    payout: Payout, kind: JournalKind, *, credit: int, at: datetime, takes_back: bool = False
) -> Journal:
    """Paid and came back share one source: a payout ends once, whatever is asked of us."""
    return write_journal(
        merchant_id=payout.merchant_id,
        kind=kind,
        source=f"payout:{payout.pk}:result",
        happened_at=at,
        postings=[Posting(held_account(payout), credit, payout.amount_fen)],
        currency=payout.merchant.currency,
        reverses=payout.hold if takes_back else None,
    )


def _finish(
    payout: Payout, state: PayoutState, journal: Journal, *, reference: str, failure: str = ""
) -> None:
    Payout.objects.filter(pk=payout.pk, state=PayoutState.SENT).update(
        state=state, result=journal, bank_reference=reference, failure=failure, finished_at=Now()
    )
