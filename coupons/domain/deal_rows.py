"""One row of a foreign list of deals: what we make of it, and what we doubt."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.imports.mapping import ImportField
from core.imports.report import RowRefused
from core.words import list_words
from coupons.enums import DealDoubt, DealRowRefusal, ValidityKind

DAY_FIELDS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DEAL_FIELDS = (
    ImportField("number", _("Number elsewhere"), ("deal id", "coupon_id_hash", "coupon_id", "product id", "商品id", "商品编号", "团购id", "编号", "クーポン番号")),
    ImportField("title", _("Name"), ("deal name", "name", "capsule_text", "product name", "商品名称", "团购名称", "套餐名称", "名称", "クーポン名", "タイトル"), is_required=True),
    ImportField("category", _("Category"), ("genre_name", "genre", "type", "类目", "品类", "分类", "ジャンル")),
    ImportField("area", _("Area"), ("small_area_name", "city", "商圈", "城市", "地区", "エリア")),
    ImportField("list_price", _("List price"), ("catalog_price", "original price", "market price", "原价", "门市价", "市场价", "划线价", "定価")),
    ImportField("price", _("Price"), ("discount_price", "sale price", "deal price", "售价", "团购价", "现价", "价格", "販売価格", "価格"), is_required=True),
    ImportField("rate", _("Discount in %"), ("price_rate", "discount", "割引率")),
    ImportField("sale_from", _("On sale from"), ("dispfrom", "start time", "售卖开始时间", "上架时间", "販売開始")),
    ImportField("sale_until", _("On sale until"), ("dispend", "end time", "售卖结束时间", "下架时间", "販売終了")),
    ImportField("sale_days", _("Days on sale"), ("dispperiod",)),
    ImportField("valid_from", _("Valid from"), ("validfrom", "使用开始日期", "有效期开始", "有効期間開始")),
    ImportField("valid_until", _("Valid until"), ("validend", "expires", "使用结束日期", "有效期结束", "有効期間終了")),
    ImportField("valid_days", _("Days after purchase"), ("购买后有效天数", "有效天数")),
    ImportField("monday", _("Monday"), ("usable_date_mon", "mon", "周一")),
    ImportField("tuesday", _("Tuesday"), ("usable_date_tue", "tue", "周二")),
    ImportField("wednesday", _("Wednesday"), ("usable_date_wed", "wed", "周三")),
    ImportField("thursday", _("Thursday"), ("usable_date_thu", "thu", "周四")),
    ImportField("friday", _("Friday"), ("usable_date_fri", "fri", "周五")),
    ImportField("saturday", _("Saturday"), ("usable_date_sat", "sat", "周六")),
    ImportField("sunday", _("Sunday"), ("usable_date_sun", "sun", "周日")),
    ImportField("holiday", _("Public holidays"), ("usable_date_holiday", "节假日")),
    ImportField("before_holiday", _("Days before public holidays"), ("usable_date_before_holiday",)),
    ImportField("stock", _("Stock"), ("quantity", "库存", "在庫")),
    ImportField("description", _("Notes for the customer"), ("description", "notes", "使用说明", "说明", "説明")),
)  # fmt: skip

FEN_PER_UNIT = 100  # of whatever unit the file's prices are in
DEFAULT_VALID_DAYS = 90
LONGEST_VALID_DAYS = 3650
MOST_FEN = 10**12
NOTHING = {"", "NA", "N/A", "NULL", "NONE", "-", "--"}
DATE_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y年%m月%d日", "%Y.%m.%d")  # fmt: skip
CURRENCY_MARKS = str.maketrans("", "", ",¥￥$€£円元 ")


@dataclass(frozen=True)
class DealRow:
    """Values of a Deal's fields, its stock (None: no end) and the doubts."""

    fields: dict[str, Any]
    stock: int | None
    doubts: frozenset[str]


def judge_deal_row(values: Mapping[str, str], *, zone: ZoneInfo) -> DealRow:
    """What becomes of the row; moments are the zone's. Raises RowRefused with a DealRowRefusal."""
    known = {name: "" if value.upper() in NOTHING else value for name, value in values.items()}
    doubts: set[str] = set()
    fields: dict[str, Any] = {
        **_prices(known, doubts),
        **_sale_window(known, zone, doubts),
        **_validity(known, doubts),
    }
    weekdays, notes = _usable_days(known, doubts)
    title = known.get("title", "")
    if not title:
        raise RowRefused(DealRowRefusal.TITLE_MISSING)
    area = known.get("area", "")
    fields |= {
        "external_number": known.get("number", ""),
        "usable_weekdays": weekdays,
        "title": _cut(f"{title} · {area}" if area else title, 60, doubts),
        "category": _cut(known.get("category", ""), 40, doubts),
        "description": _cut("\n".join(filter(None, [known.get("description", ""), *notes])), 2000, doubts),
    }
    if len(fields["external_number"]) > 64:
        raise RowRefused(DealRowRefusal.NUMBER_TOO_LONG, fields["external_number"])
    return DealRow(fields=fields, stock=_stock(known), doubts=frozenset(map(str, doubts)))


def _prices(values: Mapping[str, str], doubts: set[str]) -> dict[str, int]:
    if not values.get("price"):
        raise RowRefused(DealRowRefusal.PRICE_MISSING)
    price = _fen(values["price"])
    if values.get("list_price"):
        list_price = _fen(values["list_price"])
    else:
        list_price = price
        doubts.add(DealDoubt.LIST_PRICE_MISSING)
    if price > list_price:
        raise RowRefused(DealRowRefusal.PRICE_ABOVE_LIST, f"{values['price']} > {values['list_price']}")
    if price == 0:
        doubts.add(DealDoubt.PRICE_ZERO)
    if values.get("rate") and list_price:
        follows = 100 - -(-100 * price // list_price)  # the floor of the discount in per cent
        if values["rate"].rstrip("%") != str(follows):
            doubts.add(DealDoubt.RATE_DIFFERS)
    return {"price_fen": price, "list_price_fen": list_price}


def _fen(text: str) -> int:
    try:
        amount = Decimal(text.translate(CURRENCY_MARKS)) * FEN_PER_UNIT
        if not 0 <= amount <= MOST_FEN or amount != int(amount):
            raise RowRefused(DealRowRefusal.PRICE_MALFORMED, text)
    except (InvalidOperation, ValueError) as error:
        raise RowRefused(DealRowRefusal.PRICE_MALFORMED, text) from error
    return int(amount)


def _sale_window(values: Mapping[str, str], zone: ZoneInfo, doubts: set[str]) -> dict[str, datetime | None]:
    start, end = _moment(values.get("sale_from", "")), _moment(values.get("sale_until", ""))
    if start is None and end is None:
        doubts.add(DealDoubt.SALE_WINDOW_MISSING)
    if start and end and start >= end:
        raise RowRefused(DealRowRefusal.SALE_WINDOW_REVERSED, f"{start} > {end}")
    if values.get("sale_days") == "0":
        doubts.add(DealDoubt.SALE_PERIOD_ZERO)
    return {
        "sale_from": start.replace(tzinfo=zone) if start else None,
        "sale_until": end.replace(tzinfo=zone) if end else None,
    }


def _validity(values: Mapping[str, str], doubts: set[str]) -> dict[str, Any]:
    first, last = _day(values.get("valid_from", "")), _day(values.get("valid_until", ""))
    if first and last:
        if first > last:
            raise RowRefused(DealRowRefusal.VALIDITY_REVERSED, f"{first} > {last}")
        return {
            "validity_kind": ValidityKind.FIXED,
            "valid_from_date": first,
            "valid_until_date": last,
            "valid_days": None,
        }
    if first or last:
        raise RowRefused(DealRowRefusal.VALIDITY_INCOMPLETE, str(first or last))
    days = values.get("valid_days", "")
    if not days:
        doubts.add(DealDoubt.VALIDITY_MISSING)
        return {"validity_kind": ValidityKind.DAYS, "valid_days": DEFAULT_VALID_DAYS}
    if not (days.isascii() and days.isdigit() and int(days) <= LONGEST_VALID_DAYS):
        raise RowRefused(DealRowRefusal.DAYS_MALFORMED, days)
    return {"validity_kind": ValidityKind.DAYS, "valid_days": int(days)}


def _usable_days(values: Mapping[str, str], doubts: set[str]) -> tuple[list[int], list[str]]:
    """Usable weekdays (Monday is 0) and sentences for the customer. 1: usable, 0: not, 2: conditions apply."""
    flags = {name: values[name] for name in (*DAY_FIELDS, "holiday", "before_holiday") if values.get(name)}
    wrong = [flag for flag in flags.values() if flag not in {"0", "1", "2"}]
    if wrong:
        raise RowRefused(DealRowRefusal.USABLE_DAY_MALFORMED, wrong[0])
    if not any(name in flags for name in DAY_FIELDS):
        if any(name in values for name in DAY_FIELDS):
            doubts.add(DealDoubt.USABLE_DAYS_MISSING)
        return list(range(7)), []
    usable = [day for day, name in enumerate(DAY_FIELDS) if flags.get(name, "1") != "0"]
    if not usable:
        raise RowRefused(DealRowRefusal.NO_USABLE_DAY)
    names = {name: str(WEEKDAYS[day]) for day, name in enumerate(DAY_FIELDS)}
    names |= {
        "holiday": gettext("public holidays"),
        "before_holiday": gettext("days before public holidays"),
    }
    notes = []
    conditional = [names[name] for name, flag in flags.items() if flag == "2"]
    if conditional:
        doubts.add(DealDoubt.USABLE_DAYS_CONDITIONAL)
        notes.append(
            gettext("Conditions apply on: %(days)s. Please ask the shop.") % {"days": list_words(conditional)}
        )
    excluded = [names[name] for name in ("holiday", "before_holiday") if flags.get(name) == "0"]
    if excluded:
        doubts.add(DealDoubt.HOLIDAYS_EXCLUDED)
        notes.append(gettext("Not usable on: %(days)s.") % {"days": list_words(excluded)})
    return usable, notes


def _stock(values: Mapping[str, str]) -> int | None:
    text = values.get("stock", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise RowRefused(DealRowRefusal.STOCK_MALFORMED, text)
    return int(text)


def _moment(text: str) -> datetime | None:
    """A local moment without its zone; None for nothing."""
    if not text:
        return None
    for pattern in DATE_FORMATS:
        try:
            return datetime.strptime(text, pattern)  # noqa: DTZ007  the caller adds the merchant's zone
        except ValueError:
            continue
    raise RowRefused(DealRowRefusal.DATE_MALFORMED, text)


def _day(text: str) -> date | None:
    moment = _moment(text)
    return moment.date() if moment else None


def _cut(text: str, length: int, doubts: set[str]) -> str:
    if len(text) > length:
        doubts.add(DealDoubt.TEXT_SHORTENED)
    return text[:length]
