"""The demonstration town's money: everything due settled and stated; answered, disputed and open statements."""

from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.domain.statements import confirm_statement, dispute_statement, seal_statements
from coupons.settlement.models import Statement
from identity.models import User
from merchants.models import Merchant

LEFT_OPEN = 2  # of the newest statements, for the reader to confirm


def build_statements(*, merchant: Merchant, by: User, dispute: str = "") -> list[Statement]:
    """Settle, seal a statement for each finished day, answer all but the newest; with `dispute` one is questioned."""
    settle_merchant(merchant_id=merchant.pk)
    statements = seal_statements(merchant=merchant)
    answered = statements[:-LEFT_OPEN]
    if dispute and answered:
        dispute_statement(statement=answered.pop(), by=by, reason=dispute)
    for statement in answered:
        confirm_statement(statement=statement, by=by)
    return statements
