"""Ways to let a payee earn something and be paid."""

from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.utils import timezone
from django_scopes import scopes_disabled

from coupons.models import Redemption
from coupons.settlement.domain.bank_accounts import request_bank_account
from coupons.settlement.domain.payout_approvals import KEY_PREFIX
from coupons.settlement.domain.payout_results import upload_results
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.domain.statements import confirm_statement
from coupons.settlement.models import BankAccount, Payout, PayoutBatch, PayoutResults, Statement
from coupons.tests.town import Town
from identity.models import Party, User


def give_account(
    payee: Party, *, by: User, number: str = "6222020200012345678", at: datetime | None = None
) -> BankAccount:
    """An account that was asked for ten days ago (or `at`) and so is in use."""
    at = at or timezone.now() - timedelta(days=10)
    if not Authenticator.objects.filter(user=by).exists():
        TOTP.activate(by, "JBSWY3DPEHPK3PXP")
    return request_bank_account(
        payee=payee, holder=payee.name, bank="工商银行", number=number, by=by, second_factor_at=at, at=at
    )


def redeem(town: Town, *, uses: int = 1, days_ago: int = 2) -> list[Redemption]:
    """So many uses of 128.00, settled."""
    at = timezone.now() - timedelta(days=days_ago)
    with scopes_disabled():
        coupons = town.buy(quantity=uses, at=at)
        for coupon in coupons:
            town.redeem(coupon.code, at=at)
        settle_merchant(merchant_id=town.merchant.pk)
        return list(Redemption.objects.filter(coupon__in=coupons).order_by("id"))


def state_and_confirm(town: Town) -> list[Statement]:
    """Everything settled and finished, sealed and confirmed by the owner."""
    with scopes_disabled():
        statements = seal_statements(merchant=town.merchant)
        for statement in statements:
            confirm_statement(statement=statement, by=town.owner)
            statement.refresh_from_db()
    return statements


def bank_says(batch: PayoutBatch, answers: dict[Payout, str], *, by: User) -> PayoutResults:
    """A file of the bank: the result of each payout, with a reason where it failed."""
    rows = [
        f"{KEY_PREFIX}{payout.pk},{word},{payout.amount_fen // 100}.{payout.amount_fen % 100:02d},R{number},账号有误"
        for number, (payout, word) in enumerate(answers.items(), 1)
    ]
    text = "\n".join(["打款编号,结果,金额,流水号,原因", *rows])
    return upload_results(batch=batch, file_name="results.csv", content=text.encode(), by=by)
