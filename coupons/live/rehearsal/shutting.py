"""The end of a shadow shop: by its own process, or by somebody else where that was killed."""

from django_scopes import scopes_disabled

from core.models import Job
from coupons.live.domain.shadow_shop import retire_shadow_shop
from coupons.live.enums import RehearsalFailure
from coupons.live.models import Rehearsal
from coupons.live.rehearsal.processes import stop_left_over_valkey
from coupons.live.rehearsal.tokens import take_tokens_back


def shut_rehearsal(rehearsal: Rehearsal) -> None:
    """Shut its shadow shop, take its tokens back, ring for its jobs no more. May be repeated."""
    assert rehearsal.shadow is not None  # noqa: S101 - there was a shop
    retire_shadow_shop(shadow=rehearsal.shadow)
    take_tokens_back(rehearsal)
    drop_jobs(rehearsal)


def shut_lost_rehearsal(*, rehearsal_id: int) -> None:
    """What a rehearsal whose process was killed could not do itself. May be repeated."""
    with scopes_disabled():
        lost = (
            Rehearsal.objects.filter(pk=rehearsal_id, failure=RehearsalFailure.LOST, shadow__isnull=False)
            .select_related("shadow")
            .first()
        )
    if lost is not None:
        stop_left_over_valkey(lost.lane)
        shut_rehearsal(lost)


def clear_up_after_lost_ones() -> None:
    """Before another one starts: those no worker has shut yet."""
    with scopes_disabled():
        lost = list(
            Rehearsal.objects.filter(
                failure=RehearsalFailure.LOST, shadow__isnull=False, shut_at__isnull=True
            ).values_list("pk", flat=True)
        )
    for rehearsal_id in lost:
        shut_lost_rehearsal(rehearsal_id=rehearsal_id)


def drop_jobs(rehearsal: Rehearsal) -> None:
    """Nobody rings for this lane any more. A refund in play money that was not paid keeps the job it waits for."""
    Job.objects.filter(lane=rehearsal.lane, state="ready").exclude(kind="pay_refund").delete()
