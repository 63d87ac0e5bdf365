"""How statements enter a view: from the user's grants."""

from django.db.models import QuerySet
from django_scopes import scope

from core.errors import NotFound
from coupons.settlement.enums import PayeeKind
from coupons.settlement.models import Statement
from merchants.access import MerchantAccess


def access_statements(*, access: MerchantAccess) -> "QuerySet[Statement]":
    """The merchant's own statements, newest first; those of who serves it are theirs."""
    with scope(merchant=access.merchant.pk):
        return Statement.objects.filter(kind=PayeeKind.MERCHANT).order_by("-period_start", "-id")


def access_statement(*, access: MerchantAccess, statement_id: int) -> Statement:
    """One statement. Raises NotFound."""
    statement = access_statements(access=access).filter(pk=statement_id).first()
    if statement is None:
        raise NotFound
    return statement
