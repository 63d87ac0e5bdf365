"""Sum a merchant's days again, from the redemptions and orders themselves."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from coupons.insights.domain.roll_ups import fence_days, forget_days, roll_up_days
from merchants.models import Merchant

PATIENCE_SECONDS = 60


class Command(BaseCommand):
    help = (
        "Sums the days of a merchant's dashboard again from its redemptions and orders. Safe to run at any time and as often"
        " as you like: until a day is summed its rows are read themselves, so no page shows anything else meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG", help="the merchant")

    def handle(self, *args: Any, slug: str, **options: Any) -> None:
        merchant = Merchant.objects.filter(slug=slug).first()
        if merchant is None:
            raise CommandError(f"There is no merchant {slug}.", returncode=2)
        forget_days(merchant_id=merchant.pk)
        done, give_up_at = 0, time.monotonic() + PATIENCE_SECONDS
        while waiting := fence_days(merchant_id=merchant.pk):
            if summed := roll_up_days(merchant_id=merchant.pk):
                done, give_up_at = done + summed, time.monotonic() + PATIENCE_SECONDS
            elif time.monotonic() > give_up_at:
                raise CommandError(
                    f"{done} days summed; {waiting} wait for a transaction that has been open for more than"
                    f" {PATIENCE_SECONDS} seconds. They are read row by row until then; the next run takes them.",
                    returncode=1,
                )
            else:
                time.sleep(0.2)
        self.stdout.write(f"{done} days summed.")
