"""Cities outside China that chains from China list among their own, and the box around China."""

from decimal import Decimal

# Written name -> ISO 3166 country.
FOREIGN_CITIES = {
    "新加坡": "SG", "singapore": "SG", "吉隆坡": "MY", "kualalumpur": "MY", "曼谷": "TH", "bangkok": "TH",
    "东京": "JP", "东京都": "JP", "東京": "JP", "tokyo": "JP", "大阪": "JP", "osaka": "JP", "首尔": "KR", "seoul": "KR",
    "伦敦": "GB", "london": "GB", "纽约": "US", "newyork": "US", "洛杉矶": "US", "losangeles": "US", "悉尼": "AU",
    "sydney": "AU", "墨尔本": "AU", "melbourne": "AU", "温哥华": "CA", "vancouver": "CA", "多伦多": "CA",
    "toronto": "CA", "胡志明市": "VN", "河内": "VN", "hanoi": "VN", "雅加达": "ID", "jakarta": "ID", "马尼拉": "PH",
    "manila": "PH", "迪拜": "AE", "dubai": "AE", "巴黎": "FR", "paris": "FR",
}  # fmt: skip
UNKNOWN_COUNTRY = "ZZ"  # ISO 3166 leaves ZZ to its users
SOUTH, NORTH = Decimal("3.5"), Decimal("53.6")
WEST, EAST = Decimal("73.4"), Decimal("135.2")


def find_foreign_country(
    *, city: str, longitude: Decimal | None = None, latitude: Decimal | None = None
) -> str | None:
    """The ISO country of a city outside China; ZZ where only the coordinates lie outside; None inside."""
    known = FOREIGN_CITIES.get("".join(city.casefold().split()))
    if known:
        return known
    if longitude is None or latitude is None:
        return None
    is_inside = SOUTH <= latitude <= NORTH and WEST <= longitude <= EAST
    return None if is_inside else UNKNOWN_COUNTRY
