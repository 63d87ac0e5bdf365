"""Which official city a written name means."""

from decimal import Decimal

import pytest

from merchants.places import find_city, find_foreign_country, find_province, is_official_name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("44", "广东省"), ("440300", "广东省"), ("广东", "广东省"), ("广东省", "广东省"), ("Guangdong", "广东省"),
        ("81", "香港特别行政区"), ("91", "香港特别行政区"), ("92", "澳门特别行政区"), ("内蒙古", "内蒙古自治区"), ("99", None),
        ("Atlantis", None),
    ],
)  # fmt: skip
def test_province(written, name):
    found = find_province(written)

    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("written", "province", "city", "district"),
    [
        ("上海市", "31", "上海市", ""),
        ("上海", None, "上海市", ""),
        ("ShangHai", "31", "上海市", ""),
        ("jin hua", "33", "金华市", ""),
        ("哈尔滨", "23", "哈尔滨市", ""),
        ("昆山市", "32", "苏州市", "昆山市"),
        ("Changshu", "32", "苏州市", "常熟市"),
        ("浦东新区", "31", "上海市", "浦东新区"),
        ("萧山市", "33", "杭州市", "萧山区"),  # a city of its own until 2001
        ("襄樊市", "42", "襄阳市", ""),  # renamed in 2010
        ("仙桃市", "42", "仙桃市", ""),  # directly under the province
        ("Suzhou", "32", "苏州市", ""),
        ("Suzhou", "34", "宿州市", ""),
        ("廊坊市", "11", "廊坊市", ""),
        ("Kowloon", "91", "香港特别行政区", ""),
        ("Wan Chai", "81", "香港特别行政区", "Wan Chai"),
        ("香港特别行政區", None, "香港特别行政区", ""),
        ("Macau", "92", "澳门特别行政区", ""),
    ],
)
def test_city(written, province, city, district):
    found = find_city(written, province=find_province(province) if province else None)

    assert (found.name, found.district) == (city, district)


@pytest.mark.parametrize("written", ["", "Suzhou", "朝阳区", "江苏省", "Atlantis"])
def test_city_that_is_not_clear_is_left_open(written):
    assert find_city(written) is None


def test_district_is_told_by_its_province():
    assert find_city("朝阳区", province=find_province("11")).name == "北京市"
    assert find_city("朝阳区", province=find_province("22")).name == "长春市"


def test_official_names():
    assert [is_official_name(name) for name in ("上海市", "苏州市", "上海", "昆山市", "Hong Kong")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_abroad_by_name_or_by_coordinates():
    assert find_foreign_country(city="新加坡") == "SG"
    assert find_foreign_country(city="Kuala Lumpur") == "MY"
    assert find_foreign_country(city="?", longitude=Decimal("2.35"), latitude=Decimal("48.85")) == "ZZ"
    assert find_foreign_country(city="?", longitude=Decimal("114.2"), latitude=Decimal("22.3")) is None
    assert find_foreign_country(city="?") is None
