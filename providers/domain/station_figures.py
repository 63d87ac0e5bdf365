"""What a station's merchants redeemed and what of it is the station's."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q, Sum
from django_scopes import scopes_disabled

from coupons.settlement.models import SettlementLine
from providers.models import Station


@dataclass(frozen=True)
class StationFigures:
    """Of settled uses that pay the station a share; fen."""

    uses: int = 0
    gross_fen: int = 0
    share_fen: int = 0


def get_station_figures(*, station: Station, since: date) -> dict[int, StationFigures]:
    """Merchant id -> its figures of the business days from `since` on; one statement, whatever the number of merchants."""
    with scopes_disabled():
        rows = list(
            SettlementLine.objects.filter(
                merchant__in=station.merchants.values("merchant"),
                station_payee=station.pk,
                business_date__gte=since,
            )
            .values("merchant_id")
            .annotate(
                uses=Count("pk", filter=Q(redemption__isnull=False)),
                gross=Sum("gross_fen"),
                share=Sum("station_share_fen"),
            )
            .order_by()
        )
    return {row["merchant_id"]: StationFigures(row["uses"], row["gross"], row["share"]) for row in rows}
