"""{% navigation as menu %}: menu.groups for the rail, menu.tabs for the phone; {% page_url "name" as url %}."""

from typing import Any

from django import template

from core.navigation import Group, Link, grouped, resolve_url, visible_links

register = template.Library()

MOST_TABS = 4


@register.simple_tag(takes_context=True)
def navigation(context: template.Context) -> dict[str, list[Group] | list[Link]]:
    """The menu of request.merchant for the reader's role or scopes (context `membership`, else request.merchant_role)."""
    request = context["request"]
    merchant = getattr(request, "merchant", None)
    links = visible_links(
        request=request,
        role=reader_role(context),
        merchant_slug=getattr(merchant, "slug", "") or "",
        scopes=getattr(getattr(request, "access", None), "scopes", ()),
    )
    return {"groups": grouped(links), "tabs": [link for link in links if link.item.tab][:MOST_TABS]}


@register.simple_tag(takes_context=True)
def page_url(context: template.Context, url_name: str) -> str:
    """The address of a page by URL name, with the merchant's slug if it wants one; "" when there is none."""
    merchant = getattr(context.get("request"), "merchant", None)
    return resolve_url(url_name, merchant_slug=getattr(merchant, "slug", "") or "")


def reader_role(context: Any) -> str:
    membership = context.get("membership")
    return str(getattr(membership, "role", "") or getattr(context["request"], "merchant_role", "") or "")
