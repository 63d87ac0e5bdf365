"""What became of what was sold, counted now and then so that a board costs nothing. Copies of the truth, never the truth."""

from django.db import models

from coupons.models import Deal
from providers.creators.models.creator import Creator


class DealRecord(models.Model):
    """Of a deal's coupons whose fate is known (`decided`: redeemed, refunded or expired) so many were redeemed."""

    deal = models.OneToOneField(Deal, on_delete=models.CASCADE, primary_key=True, related_name="+")
    decided = models.IntegerField()
    redeemed = models.IntegerField()
    counted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.deal_id} {self.redeemed}/{self.decided}"


class CreatorRecord(models.Model):
    """Work of a creator that was accepted, and the coupons sold by his links whose fate is known."""

    creator = models.OneToOneField(Creator, on_delete=models.CASCADE, primary_key=True, related_name="+")
    accepted = models.IntegerField()
    decided = models.IntegerField()
    redeemed = models.IntegerField()
    counted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.creator_id} {self.accepted}"


class BoardKnowledge(models.Model):
    """The one row of what was learned from all: the usual share redeemed, and how categories go together in creators' work.

    `companions[a][b]` is where walks (recommendation.taste) from category a arrive at b.
    """

    redeemed_bps = models.SmallIntegerField()
    companions = models.JSONField(default=dict)
    learned_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="board_knowledge_one_row")]

    def __str__(self) -> str:
        return str(self.learned_at)
