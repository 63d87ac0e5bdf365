"""What a redemption costs at least in Django: the domain's two statements between BEGIN and COMMIT, and an answer."""

from datetime import UTC, timedelta

from django.db import transaction
from django.http import HttpRequest, JsonResponse

from core.postgresql import prepared_cursor
from coupons.domain.counter_coupon import FETCH_SQL, WRONG_TRIES_SECONDS
from coupons.domain.redemption import WRITE_SQL


def redeem(request: HttpRequest) -> JsonResponse:
    """No sign-in, no tenancy, no rules: whoever asks gets it, if the code is a coupon's."""
    merchant, store, clerk = (int(request.POST[name]) for name in ("merchant", "store", "clerk"))
    attempt = request.POST["attempt_key"]
    with transaction.atomic(), prepared_cursor() as cursor:
        cursor.execute(
            FETCH_SQL + "FOR NO KEY UPDATE OF c",
            {
                "merchant": merchant,
                "clerk": clerk,
                "window": WRONG_TRIES_SECONDS,
                "attempt": attempt,
                "code": request.POST["code"],
            },
        )
        row = cursor.fetchone()
        now = row[-1].astimezone(UTC)
        due = now + timedelta(hours=1)
        bell = due.replace(second=0, microsecond=0) + timedelta(minutes=1)
        cursor.execute(
            WRITE_SQL,
            {
                "merchant": merchant,
                "coupons": [row[0]],
                "numbers": [1],
                "gross": [row[4]],
                "attempts": [1],
                "order": row[1],
                "deal": row[2],
                "store": store,
                "clerk": clerk,
                "device": "",
                "attempt": attempt,
                "at": now,
                "day": now.date(),
                "due": due,
                "job": f"{merchant}:{bell:%Y%m%d%H%M}",
                "bell": bell,
            },
        )
        ((made, _coupon, _use, gross),) = cursor.fetchall()
    return JsonResponse({"redemption": str(made), "gross_fen": gross})
