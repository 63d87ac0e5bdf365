"""The menu shows what exists and what the role may open."""

from types import SimpleNamespace

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import include, path, resolve

from core.navigation import Item, grouped, visible_links

ITEMS = [
    Item("shop:home", "Home", "home", "Trade", tab="Home"),
    Item("shop:deals", "Deals", "tag", "Trade", frozenset({"owner"})),
    Item("shop:not_built", "Refunds", "receipt", "Trade"),
    Item("bills", "Bills", "receipt", "Money", frozenset({"owner", "finance"})),
]


def page(request: HttpRequest, **kwargs: str) -> HttpResponse:
    return HttpResponse()


shop = [path("m/<slug:merchant>/", page, name="home"), path("m/<slug:merchant>/deals/", page, name="deals")]
urlpatterns = [
    path("", include((shop, "shop"))),
    path("m/<slug:merchant>/deals/<int:deal_id>/", page, name="deal"),
    path("m/<slug:merchant>/other/", page, name="other"),
    path("bills/", page, name="bills"),
]


@pytest.fixture(autouse=True)
def _menu(settings: SimpleNamespace) -> None:
    settings.ROOT_URLCONF = __name__
    settings.NAVIGATION = f"{__name__}.ITEMS"


def links(url: str, role: str = "owner") -> list[tuple[str, str, bool]]:
    request = RequestFactory().get(url)
    request.resolver_match = resolve(url)
    found = visible_links(request=request, role=role, merchant_slug="laozao")
    return [(str(link.item.label), link.url, link.current) for link in found]


def test_page_that_does_not_exist_is_left_out() -> None:
    assert [label for label, _url, _current in links("/m/laozao/")] == ["Home", "Deals", "Bills"]


def test_role_sees_only_its_items() -> None:
    assert [label for label, _url, _current in links("/m/laozao/", role="clerk")] == ["Home"]
    assert [label for label, _url, _current in links("/m/laozao/", role="finance")] == ["Home", "Bills"]
    assert [label for label, _url, _current in links("/m/laozao/", role="")] == ["Home"]


@pytest.mark.parametrize(
    ("url", "current"),
    [
        ("/m/laozao/", ["Home"]),
        ("/m/laozao/deals/", ["Deals"]),
        ("/m/laozao/deals/7/", ["Deals"]),
        ("/m/laozao/other/", []),
    ],
)
def test_one_item_is_current(url: str, current: list[str]) -> None:
    assert [label for label, _url, is_current in links(url) if is_current] == current


def test_items_stand_under_their_group() -> None:
    request = RequestFactory().get("/m/laozao/")
    request.resolver_match = resolve("/m/laozao/")

    groups = grouped(visible_links(request=request, role="owner", merchant_slug="laozao"))

    assert [(group.label, [link.url for link in group.links]) for group in groups] == [
        ("Trade", ["/m/laozao/", "/m/laozao/deals/"]),
        ("Money", ["/bills/"]),
    ]
