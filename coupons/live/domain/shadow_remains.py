"""What an old rehearsal left that nothing else rests on."""

from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone
from django_scopes import scopes_disabled

from coupons.live.domain.shadow_shop import SIGN_IN, retire_shadow_shop
from coupons.live.models import Rehearsal
from coupons.live.models.rehearsal import UNDER_WAY

# Orders, coupons, uses, lines and the book stay: the ledger is append-only, and what it rests on stays with it.
REMAINS = {
    "idempotency keys": """
        DELETE FROM core_idempotencykey k USING identity_customer c
        WHERE c.sign_in_provider = %(sign_in)s AND c.open_id LIKE %(lane)s || ':%%' AND k.principal = 'user:' || c.user_id""",
    "jobs": "DELETE FROM core_job WHERE lane = %(lane)s AND (kind <> 'pay_refund' OR state = 'done')",
    "notifications": """
        DELETE FROM coupons_paymentnotification n USING coupons_payment p
        WHERE p.merchant_id = %(shadow)s AND n.reference = p.reference AND n.provider = p.provider""",
    "charges": """
        DELETE FROM coupons_sandboxcharge s USING coupons_payment p
        WHERE p.merchant_id = %(shadow)s AND p.provider = 'sandbox' AND s.reference = p.reference""",
    "openings": "DELETE FROM live_liveopening WHERE merchant_id = %(shadow)s",
}


def purge_rehearsals(*, days: int) -> dict[str, int]:
    """Delete the remains of rehearsals that ended more than `days` days ago; rows deleted, by what they are."""
    deleted = dict.fromkeys(REMAINS, 0)
    with scopes_disabled():
        old = list(
            Rehearsal.objects.filter(
                finished_at__lt=timezone.now() - timedelta(days=days), shadow__isnull=False
            )
            .exclude(state__in=UNDER_WAY)
            .select_related("shadow")
        )
    for rehearsal in old:
        assert rehearsal.shadow is not None  # noqa: S101 - asked for above
        retire_shadow_shop(shadow=rehearsal.shadow)  # one whose process was killed did not
        values = {"shadow": rehearsal.shadow_id, "lane": rehearsal.lane, "sign_in": SIGN_IN}
        with transaction.atomic(), connection.cursor() as cursor:
            for what, delete in REMAINS.items():
                cursor.execute(delete, values)
                deleted[what] += cursor.rowcount
    return deleted
