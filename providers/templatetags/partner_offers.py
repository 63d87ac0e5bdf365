"""{% offers_to_answer as offers %}: how many offers of service providers wait for the shop's owner."""

from django import template

from identity.enums import Role
from providers.enums import OfferState
from providers.models import EngagementOffer

register = template.Library()


@register.simple_tag(takes_context=True)
def offers_to_answer(context: template.Context) -> int:
    """Zero for everybody but an owner of request.merchant: nobody else could answer. One statement for him."""
    request = context["request"]
    if request.access.role != Role.OWNER:
        return 0
    return (
        EngagementOffer.objects.filter(engagement__merchant=request.merchant, state=OfferState.PROPOSED)
        .exclude(proposed_for=request.merchant.pk)
        .count()
    )
