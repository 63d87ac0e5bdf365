"""{% provider_navigation as menu %}: menu.groups for the rail, menu.tabs for the phone."""

from django import template
from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from core.navigation import Group, Link, current_url, grouped

register = template.Library()

MOST_TABS = 4


@register.simple_tag(takes_context=True)
def provider_navigation(context: template.Context) -> dict[str, list[Group] | list[Link]]:
    """The menu of request.provider_access, for the reader's role there; pages that are not there are left out."""
    access = context["request"].provider_access
    found = []
    for item in import_string(settings.PROVIDER_NAVIGATION):
        url = _resolve(item.url_name, access.provider.pk)
        if access.role in item.roles and url:
            found.append((item, url))
    here = current_url(context["request"], found)
    links = [Link(item=item, url=url, current=url == here) for item, url in found]
    return {"groups": grouped(links), "tabs": [link for link in links if link.item.tab][:MOST_TABS]}


def _resolve(url_name: str, provider_id: int) -> str:
    for argument in ("provider_id", "party_id"):
        try:
            return reverse(url_name, kwargs={argument: provider_id})
        except NoReverseMatch:
            continue
    return ""
