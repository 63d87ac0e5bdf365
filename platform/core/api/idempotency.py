"""The header Idempotency-Key: the same request sent again gets the first answer and changes nothing."""

import re
from collections.abc import Callable
from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from core.domain.idempotency import Answer, claim_key, find_answer, fingerprint, keep_answer
from core.errors import DomainError

KEY_PATTERN = "[A-Za-z0-9._:-]{8,64}"
IDEMPOTENCY_KEY = OpenApiParameter(
    name="Idempotency-Key",
    type={"type": "string", "pattern": f"^{KEY_PATTERN}$"},
    location=OpenApiParameter.HEADER,
    required=True,
    description="A fresh random key for each new request; the same key with the same request gets the first answer.",
)


class IdempotencyKeyMissing(DomainError):
    """The request moves state and must name itself."""

    code = "idempotency_key_missing"


class IdempotencyKeyInvalid(DomainError):
    """A key is 8 to 64 letters, digits or . _ : -"""

    code = "idempotency_key_invalid"


def read_key(request: Request) -> str:
    """The request's key. Raises IdempotencyKeyMissing, IdempotencyKeyInvalid."""
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        raise IdempotencyKeyMissing
    if not re.fullmatch(KEY_PATTERN, key):
        raise IdempotencyKeyInvalid
    return key


def answer_once(
    request: Request, *, key: str, endpoint: str, status: int, effect: Callable[[], Any]
) -> Response:
    """Do `effect` and keep its answer under the request's key, in one transaction; a repeat gets the kept answer.

    A refusal keeps nothing: the same key may try again. Raises IdempotencyKeyReused for another request under the key.
    """
    principal = f"user:{request.user.pk}"
    with transaction.atomic():
        first = claim_key(
            principal=principal,
            endpoint=endpoint,
            key=key,
            fingerprint=fingerprint(path=request.path, body=request.data),
        )
        if first is not None:
            return Response(first.body, status=first.status, headers={"Idempotency-Replayed": "true"})
        body = effect()
        keep_answer(principal=principal, endpoint=endpoint, key=key, answer=Answer(status=status, body=body))
    return Response(body, status=status)


def kept_answer(request: Request, *, key: str, endpoint: str) -> Response | None:
    """The answer that is kept under the request's key, if there is one; takes nothing and locks nothing.

    Raises IdempotencyKeyReused for another request under the key.
    """
    first = find_answer(
        principal=f"user:{request.user.pk}",
        endpoint=endpoint,
        key=key,
        fingerprint=fingerprint(path=request.path, body=request.data),
    )
    if first is None:
        return None
    return Response(first.body, status=first.status, headers={"Idempotency-Replayed": "true"})
