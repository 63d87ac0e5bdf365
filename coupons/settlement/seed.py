"""The demonstration town's money: everything due settled and stated, its provider's bills matched; all kinds of answers."""

from datetime import timedelta

from django_scopes import scope, scopes_disabled

from core.clock import database_now
from core.encryption import encrypt
from coupons.models import SandboxCharge
from coupons.settlement.domain.breaks import explain_break
from coupons.settlement.domain.fetching import fetch_bill
from coupons.settlement.domain.payout_approvals import KEY_PREFIX, approve_batch, export_batch
from coupons.settlement.domain.payout_proposals import propose_batch
from coupons.settlement.domain.payout_results import apply_results, upload_results
from coupons.settlement.domain.reconciliation import list_days, reconcile_day
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.domain.statements import confirm_statement, dispute_statement
from coupons.settlement.enums import BankFileKind, PayeeKind
from coupons.settlement.models import BankAccount, Break, PayoutBatch, Statement
from coupons.settlement.models.bank_account import TAIL_DIGITS
from identity.models import Party, User
from merchants.models import Merchant

LEFT_OPEN = 2  # of the newest statements, for the reader to confirm


def build_statements(*, merchant: Merchant, by: User, dispute: str = "") -> list[Statement]:
    """Settle, seal a statement for each finished day, answer all but the newest; with `dispute` one is questioned.

    Those of who serves the merchant wait for them. Returned are the merchant's own.
    """
    settle_merchant(merchant_id=merchant.pk)
    sealed = seal_statements(merchant=merchant)
    statements = [statement for statement in sealed if statement.kind == PayeeKind.MERCHANT]
    answered = statements[:-LEFT_OPEN]
    if dispute and answered:
        dispute_statement(statement=answered.pop(), by=by, reason=dispute)
    for statement in answered:
        confirm_statement(statement=statement, by=by)
    return statements


STRAY_FEN = (
    8_800,
    12_800,
)  # what the provider took and the shop never heard of: the older one is explained, the other open
STRAY_DAYS_AGO = (9, 1)


def build_reconciliation(*, merchant: Merchant, by: User, explanation: str = "") -> int:
    """Fetch the provider's bill of every day that is over and match it; how many days.

    With `explanation` the provider's books hold two payments the shop knows nothing of.
    """
    now = database_now()
    if explanation:
        SandboxCharge.objects.bulk_create(
            SandboxCharge(
                account=str(merchant.pk),
                reference=f"stray-{merchant.pk}-{days}",
                amount_fen=fen,
                currency=merchant.currency,
                subject="",
                notify_url="",
                paid_at=now - timedelta(days=days),
            )
            for fen, days in zip(STRAY_FEN, STRAY_DAYS_AGO, strict=True)
        )
    today = now.astimezone(merchant.tzinfo).date()
    days = [day for day in list_days(merchant=merchant) if day < today]
    for day in days:
        fetch_bill(merchant=merchant, day=day)
        reconcile_day(merchant=merchant, day=day)
    with scope(merchant=merchant.pk):
        older = Break.objects.filter(reference=f"stray-{merchant.pk}-{STRAY_DAYS_AGO[0]}").first()
    if older is not None:
        explain_break(found=older, by=by, words=explanation)
    return len(days)


def put_bank_account(*, payee: Party, bank: str, number: str, by: User) -> BankAccount:
    """An account in use for a month. Written without a second factor: nobody of the town has one set up."""
    at = database_now() - timedelta(days=30)
    return BankAccount.objects.create(
        payee=payee,
        holder=payee.name,
        bank=bank,
        number_encrypted=encrypt(number),
        number_tail=number[-TAIL_DIGITS:],
        requested_by=by,
        requested_at=at,
        second_factor_at=at,
        active_from=at + timedelta(days=1),
    )


def pay_out(*, proposed_by: User, approved_by: User) -> PayoutBatch:
    """Everybody who has an account is paid what he confirmed: proposed, approved by the second, sent, and the bank's answer."""
    with scopes_disabled():
        batch = propose_batch(by=proposed_by)
        approve_batch(batch=batch, by=approved_by)
        export_batch(batch=batch, kind=BankFileKind.XLSX, by=proposed_by)
        rows = [
            f"{KEY_PREFIX}{payout.pk},paid,{payout.amount_fen // 100}.{payout.amount_fen % 100:02d},{payout.pk % 10**8:08d},"
            for payout in batch.payouts.order_by("id")
        ]
        text = "\n".join(["payout_id,result,amount,reference,reason", *rows])
        results = upload_results(
            batch=batch, file_name="bank-results.csv", content=text.encode(), by=proposed_by
        )
        apply_results(results=results, by=proposed_by)
    batch.refresh_from_db()
    return batch
