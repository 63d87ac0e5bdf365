"""One row of a foreign list of stores: what we make of it, and what we doubt."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext_lazy as _

from core.imports.mapping import ImportField
from core.imports.report import RowRefused
from merchants.domain.stores import StoreDetails
from merchants.enums import StoreDoubt, StoreRowRefusal
from merchants.places import (
    find_city,
    find_city_in_address,
    find_foreign_country,
    find_province,
    is_official_name,
    is_province_name,
)
from merchants.places.china import UNOFFICIAL_CODES

STORE_FIELDS = (
    ImportField("number", _("Store number"), ("store number",
            "store no", "store id", "shop id", "poi id", "门店编号", "门店编码", "门店id", "编号", "店铺编号", "店舗番号", "店番", "店舗コード")),
    ImportField("name", _("Store name"), ("store name", "store", "shop name", "shop", "poi name", "门店名称", "门店名", "门店", "店名", "店铺名称", "名称", "店舗名", "店名称"), is_required=True),
    ImportField("country", _("Country or region"), ("country code", "国家", "国家地区", "国")),
    ImportField("province", _("Province"), ("state/province", "state", "region", "province code", "省份", "省", "所在省", "都道府県")),
    ImportField("city", _("City"), ("town", "city name", "城市", "市", "所在城市", "市区町村", "市町村"), is_required=True),
    ImportField("district", _("District"), ("county", "area", "区县", "区", "行政区", "地区")),
    ImportField("address", _("Address"), ("street address", "street", "addr", "地址", "详细地址", "门店地址", "住所", "所在地")),
    ImportField("postcode", _("Postcode"), ("postal code", "zip", "zip code", "邮编", "邮政编码", "郵便番号")),
    ImportField("phone", _("Phone"), ("phone number", "tel", "telephone", "电话", "联系电话", "门店电话", "手机", "電話番号", "電話")),
    ImportField("longitude", _("Longitude"), ("lng", "lon", "long", "经度", "経度")),
    ImportField("latitude", _("Latitude"), ("lat", "纬度", "緯度")),
)  # fmt: skip

NAME_CHARACTERS, NUMBER_CHARACTERS = 80, 40
CUT_AT = {"province": 40, "city": 40, "district": 40, "address": 200, "postcode": 12, "phone": 40}
CHINA = {"", "CN", "CHN", "CHINA", "中国", "中國", "中国大陆", "HK", "MO", "TW"}


@dataclass(frozen=True)
class StoreRow:
    """`written_city` is the city as the file has it, for counting; details hold the official one."""

    details: StoreDetails
    doubts: frozenset[str]
    written_city: str


def judge_store_row(values: Mapping[str, str]) -> StoreRow:
    """What becomes of the row. Raises RowRefused with a StoreRowRefusal.

    A field that the file has no column for is not doubted; one with a column and without a value is.
    """
    name, number = values.get("name", ""), values.get("number", "")
    if not name:
        raise RowRefused(StoreRowRefusal.NAME_MISSING)
    if len(name) > NAME_CHARACTERS:
        raise RowRefused(StoreRowRefusal.NAME_TOO_LONG, name)
    if len(number) > NUMBER_CHARACTERS:
        raise RowRefused(StoreRowRefusal.NUMBER_TOO_LONG, number)
    doubts: set[str] = set()
    longitude, latitude = _coordinates(values, doubts)
    place = _place(values, longitude, latitude, doubts)
    _check_contact(values, place["country"], doubts)
    place |= {field: values.get(field, "") for field in ("address", "postcode", "phone")}
    for field, length in CUT_AT.items():
        if len(place[field]) > length:
            place[field] = place[field][:length]
            doubts.add(StoreDoubt.TEXT_SHORTENED)
    details = StoreDetails(name=name, number=number, longitude=longitude, latitude=latitude, **place)  # type: ignore[arg-type]
    return StoreRow(details=details, doubts=frozenset(map(str, doubts)), written_city=values.get("city", ""))


def _place(
    values: Mapping[str, str], longitude: Decimal | None, latitude: Decimal | None, doubts: set[str]
) -> dict[str, str]:
    written_city, written_province = values.get("city", ""), values.get("province", "")
    written = {"province": written_province, "city": written_city, "district": values.get("district", "")}
    country = values.get("country", "").upper()
    if country not in CHINA:
        doubts.add(StoreDoubt.OUTSIDE_CHINA)
        return {"country": country if re.fullmatch("[A-Z]{2}", country) else "ZZ", **written}
    province = find_province(written_province) if written_province else None
    if written_province and province is None:
        doubts.add(StoreDoubt.PROVINCE_UNKNOWN)
    if written_province.isdigit() and written_province[:2] in UNOFFICIAL_CODES:
        doubts.add(StoreDoubt.PROVINCE_CODE_UNOFFICIAL)
    city = find_city(written_city, province=province)
    if city is None:
        abroad = find_foreign_country(city=written_city, longitude=longitude, latitude=latitude)
        if abroad:
            doubts.add(StoreDoubt.OUTSIDE_CHINA)
            return {"country": abroad, **written}
        if is_province_name(written_city):
            doubts.add(StoreDoubt.CITY_IS_PROVINCE)
            province = province or find_province(written_city)
            city = find_city_in_address(values.get("address", ""), province=province)
        else:
            doubts.add(StoreDoubt.CITY_UNKNOWN if written_city else StoreDoubt.CITY_MISSING)
    elif not is_official_name(written_city):
        doubts.add(StoreDoubt.CITY_RENAMED)
    if city is None:
        return {"country": "CN", **written, "province": province.name if province else written_province}
    if province and province != city.province:
        doubts.add(StoreDoubt.WRONG_PROVINCE)
    return {
        "country": "CN",
        "province": city.province.name,
        "city": city.name,
        "district": written["district"] or city.district,
    }


def _coordinates(values: Mapping[str, str], doubts: set[str]) -> tuple[Decimal | None, Decimal | None]:
    if "longitude" not in values or "latitude" not in values:
        return None, None
    if not values["longitude"] or not values["latitude"]:
        doubts.add(StoreDoubt.COORDINATES_MISSING)
        return None, None
    try:
        longitude = round(Decimal(values["longitude"]), 6)
        latitude = round(Decimal(values["latitude"]), 6)
        # 0, 0 lies in the sea; it is what programs write for "not known".
        is_on_earth = abs(longitude) <= 180 and abs(latitude) <= 90 and (longitude or latitude)
    except InvalidOperation:  # no number, or NaN, which cannot be compared
        is_on_earth = False
    if not is_on_earth:
        doubts.add(StoreDoubt.COORDINATES_MALFORMED)
        return None, None
    return longitude, latitude


def _check_contact(values: Mapping[str, str], country: str, doubts: set[str]) -> None:
    if values.get("address") == "":
        doubts.add(StoreDoubt.ADDRESS_MISSING)
    postcode = values.get("postcode")
    if postcode == "":
        doubts.add(StoreDoubt.POSTCODE_MISSING)
    elif postcode and country == "CN" and not re.fullmatch(r"[0-9]{6}", postcode):
        doubts.add(StoreDoubt.POSTCODE_MALFORMED)
    phone = values.get("phone")
    if phone == "":
        doubts.add(StoreDoubt.PHONE_MISSING)
    elif phone and len(re.sub(r"\D", "", phone)) < 5:
        doubts.add(StoreDoubt.PHONE_MALFORMED)
