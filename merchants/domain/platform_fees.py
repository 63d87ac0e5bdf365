"""What the platform takes of each redemption."""

from django.db import transaction

from core.errors import Invalid
from identity.domain.audit import record_event
from identity.models import User
from merchants.models import Merchant


@transaction.atomic
def set_platform_fee(*, merchant: Merchant, platform_fee_bps: int, by: User) -> None:
    """For orders placed from now on; those placed before keep the fee frozen into them. Raises Invalid."""
    if not 0 <= platform_fee_bps <= 10_000:
        raise Invalid(field="platform_fee_bps", why="out_of_range")
    before = (
        Merchant.objects.select_for_update(of=("self",), no_key=True).get(pk=merchant.pk).platform_fee_bps
    )
    if before == platform_fee_bps:
        return
    Merchant.objects.filter(pk=merchant.pk).update(platform_fee_bps=platform_fee_bps)
    record_event(
        verb="merchant.fee", noun="merchant", noun_id=merchant.pk, by=by, merchant_id=merchant.pk,
        before=before, platform_fee_bps=platform_fee_bps,
    )  # fmt: skip
