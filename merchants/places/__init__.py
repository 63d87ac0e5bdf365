"""Provinces, cities and districts of China by the names and codes of GB/T 2260, for addresses of stores.

`divisions.csv` holds public facts (names and codes as published by the National Bureau of Statistics, 2023; Hong Kong,
Macau and Taiwan at province level), and the name in Latin letters for provinces, prefectures and county-level cities.
"""

from merchants.places.china import (
    City,
    Province,
    find_city,
    find_city_in_address,
    find_province,
    is_official_name,
    is_province_name,
)
from merchants.places.foreign import find_foreign_country

__all__ = [
    "City",
    "Province",
    "find_city",
    "find_city_in_address",
    "find_foreign_country",
    "find_province",
    "is_official_name",
    "is_province_name",
]
