"""The public addresses of a session's cards."""

from django.http import HttpRequest
from django.urls import reverse

from coupons.live.models import LiveSession


def card_url(request: HttpRequest, session: LiveSession, *, slug: str, deal_id: int | None = None) -> str:
    """Absolute: the session's page in the shop, or with a deal the card of this deal."""
    given = {"slug": slug, "token": session.token}
    if deal_id is None:
        return request.build_absolute_uri(reverse("shop_live", kwargs=given))
    return request.build_absolute_uri(reverse("shop_live_deal", kwargs={**given, "deal_id": deal_id}))
