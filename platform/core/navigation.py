"""What the left rail and the bottom tabs show.

The list of items is named by settings.NAVIGATION (a dotted path to config/navigation.py); it knows URL names, never
modules. An item is shown when its URL name resolves and the reader's role is among its roles, so a floor that is
not there leaves no dead link.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class Item:
    url_name: str
    label: str | Promise
    icon: str
    group: str | Promise
    roles: frozenset[str] = field(default_factory=frozenset)  # empty: everybody who works here
    scope: str = ""  # what opens it to somebody without a role here, who acts for who serves the shop
    tab: str | Promise = ""  # short label in the phone's bottom tabs; empty: only in the rail


@dataclass(frozen=True)
class Link:
    item: Item
    url: str
    current: bool


@dataclass(frozen=True)
class Group:
    label: str | Promise
    links: list[Link]


def visible_links(
    *, request: HttpRequest, role: str, merchant_slug: str, scopes: Collection[str] = ()
) -> list[Link]:
    """The items this reader may open by his role or scopes, in their order; at most one is current (the longest path)."""
    found = []
    for item in _items():
        if item.roles and role not in item.roles and item.scope not in scopes:
            continue
        url = resolve_url(item.url_name, merchant_slug=merchant_slug)
        if url:
            found.append((item, url))
    here = current_url(request, found)
    return [Link(item=item, url=url, current=url == here) for item, url in found]


def grouped(links: Iterable[Link]) -> list[Group]:
    """Links under their group's head, groups in order of first appearance."""
    groups: dict[str, Group] = {}
    for link in links:
        key = str(link.item.group)
        groups.setdefault(key, Group(label=link.item.group, links=[])).links.append(link)
    return list(groups.values())


def resolve_url(url_name: str, *, merchant_slug: str = "") -> str:
    """The path of a URL name, with the merchant's slug when it wants one; "" when no such page exists."""
    attempts: list[dict[str, str]] = [
        {"merchant": merchant_slug},
        {"merchant_slug": merchant_slug},
        {"slug": merchant_slug},
    ]
    for kwargs in [*attempts, {}] if merchant_slug else [{}]:
        try:
            return reverse(url_name, kwargs=kwargs or None)
        except NoReverseMatch:
            continue
    return ""


def _items() -> list[Item]:
    return import_string(settings.NAVIGATION)


def current_url(request: HttpRequest, found: list[tuple[Item, str]]) -> str:
    """Which of these addresses the reader is at or under; "" for none."""
    match = request.resolver_match
    for item, url in found:
        if match and match.view_name == item.url_name:
            return url
    under = [url for item, url in found if request.path.startswith(url)]
    exact = [url for url in under if url == request.path]
    # A home page is the beginning of every path; it is current only on itself.
    deeper = [url for url in under if not any(other != url and other.startswith(url) for _, other in found)]
    return max(exact or deeper, key=len, default="")
