"""The links of a claim, one for each entrance: what is ordered by them is the creator's, by the rule "claim:<id>"."""

from django.db.models import QuerySet
from django.db.models.functions import Now
from django_scopes import scope

from coupons.domain.placements import PlacementShare, create_placement
from coupons.enums import Entrance
from coupons.models import Placement
from identity.models import User
from providers.creators.models import TaskClaim

# What a creator has: his video, his stream, and the comments under both.
ENTRANCES = (Entrance.SHORT_VIDEO, Entrance.LIVE_CARD, Entrance.COMMENT)


def rule_of(*, claim_id: int) -> str:
    """What is frozen into an order that comes by a claim's links."""
    return f"claim:{claim_id}"


def claim_of_rule(*, rule: str) -> int | None:
    """The claim a frozen rule names; None where it names something else."""
    kind, _, number = rule.partition(":")
    return int(number) if kind == "claim" and number.isdecimal() else None


def make_links(*, claim: TaskClaim, by: User | None) -> None:
    """A link for each entrance; orders by them freeze the commission the claim was taken for."""
    share = PlacementShare(
        payee_id=claim.creator_id, bps=claim.commission_bps, rule=rule_of(claim_id=claim.pk)
    )
    for entrance in ENTRANCES:
        create_placement(
            deal=claim.task.deal, entrance=entrance, label=claim.creator.name, share=share, by=by
        )


def claim_links(*, claim: TaskClaim) -> "QuerySet[Placement]":
    """Its links, closed ones too, in the order of ENTRANCES."""
    with scope(merchant=claim.merchant_id):
        return Placement.objects.filter(payee=claim.creator_id, rule=rule_of(claim_id=claim.pk)).order_by(
            "id"
        )


def close_links(*, claims: "QuerySet[TaskClaim]", merchant_id: int) -> None:
    """Orders by these claims' links count for nobody from now on; what was ordered before stays counted."""
    rules = [rule_of(claim_id=pk) for pk in claims.values_list("pk", flat=True)]
    with scope(merchant=merchant_id):
        Placement.objects.filter(
            merchant=merchant_id, payee__isnull=False, rule__in=rules, closed_at__isnull=True
        ).update(closed_at=Now())
    claims.filter(approved_at__isnull=False, links_closed_at__isnull=True).update(links_closed_at=Now())
