"""How statements enter a view: from the user's grants at the merchant, or at the party they are for."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import QuerySet
from django.db.models.functions import Now
from django_scopes import scope, scopes_disabled

from core.errors import NotFound
from coupons.settlement.domain.payees import PAYEE_COLUMNS
from coupons.settlement.enums import FileState, PayeeKind
from coupons.settlement.models import SettlementLine, Statement, StatementFile
from identity.domain.grants import live_grants
from identity.enums import PartyKind, Role
from identity.models import Party, User
from merchants.access import MerchantAccess


def access_statements(*, access: MerchantAccess) -> "QuerySet[Statement]":
    """The merchant's own statements, newest first; those of who serves it are theirs."""
    with scope(merchant=access.merchant.pk):
        statements = Statement.objects.filter(kind=PayeeKind.MERCHANT)
    return statements.select_related("merchant", "previous", "confirmed_by").order_by("-period_start", "-id")


def access_statement(*, access: MerchantAccess, statement_id: int) -> Statement:
    """One statement. Raises NotFound."""
    statement = access_statements(access=access).filter(pk=statement_id).first()
    if statement is None:
        raise NotFound
    return statement


LINE_RESTS_ON = (
    "redemption__order", "redemption__clerk", "refund__redemption__order", "refund__redemption__clerk",
    "refund__redemption__settlement_line", "coupon", "deal", "store", "statement", "service_statement",
    "station_statement", "commission_statement", "batch__journal", "platform_payee", "service_payee", "station_payee",
    "commission_payee", "merchant",
)  # fmt: skip


def access_line(*, access: MerchantAccess, line_id: int) -> SettlementLine:
    """One settlement line of the merchant, with what it rests on. Raises NotFound."""
    with scope(merchant=access.merchant.pk):
        line = SettlementLine.objects.filter(pk=line_id).select_related(*LINE_RESTS_ON).first()
    if line is None:
        raise NotFound
    return line


@dataclass(frozen=True)
class PayeeAccess:
    """What a user may do for a provider, a station or a creator."""

    party: Party
    user: User
    role: Role


def access_payee(*, user: User, party_id: int, roles: Collection[Role]) -> PayeeAccess:
    """The party that serves merchants and for which the user has one of the roles. Raises NotFound."""
    kinds = [PartyKind.PROVIDER, PartyKind.STATION, PartyKind.CREATOR]
    grant = (
        live_grants(user=user)
        .filter(party_id=party_id, party__kind__in=kinds, role__in=list(roles))
        .select_related("party")
        .first()
    )
    if grant is None:
        raise NotFound
    return PayeeAccess(party=grant.party, user=user, role=Role(grant.role))


def access_payee_statements(*, access: PayeeAccess) -> "QuerySet[Statement]":
    """The party's statements out of every merchant's book, newest first."""
    with scopes_disabled():
        return (
            Statement.objects.filter(payee=access.party, kind=access.party.kind)
            .select_related("merchant", "previous", "confirmed_by")
            .order_by("-period_start", "-id")
        )


def access_payee_statement(*, access: PayeeAccess, statement_id: int) -> Statement:
    """One statement of the party's. Raises NotFound."""
    statement = access_payee_statements(access=access).filter(pk=statement_id).first()
    if statement is None:
        raise NotFound
    return statement


def access_payee_line(*, access: PayeeAccess, line_id: int) -> SettlementLine:
    """One line of any merchant that gives this party something, with what it rests on. Raises NotFound."""
    payee = PAYEE_COLUMNS[PayeeKind(access.party.kind)].payee
    with scopes_disabled():
        line = (
            SettlementLine.objects.filter(pk=line_id, **{str(payee): access.party.pk})
            .select_related(*LINE_RESTS_ON)
            .first()
        )
    if line is None:
        raise NotFound
    return line


def access_files(*, statement: Statement, user: User) -> "QuerySet[StatementFile]":
    """What this person had made of a statement he may read; what is too old is gone."""
    with scope(merchant=statement.merchant_id):
        files = StatementFile.objects.filter(statement=statement, asked_by=user)
    return files.exclude(expires_at__lt=Now()).select_related("statement__merchant")


def access_file(*, statement: Statement, user: User, file_id: int) -> StatementFile:
    """A file of his that is ready. Raises NotFound."""
    file = access_files(statement=statement, user=user).filter(pk=file_id, state=FileState.READY).first()
    if file is None:
        raise NotFound
    return file
