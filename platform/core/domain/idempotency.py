"""An outside request that moves state happens once; a repeat gets the first answer."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from core.errors import DomainError
from core.postgresql import prepared_cursor


class IdempotencyKeyReused(DomainError):
    """The same key came with another request."""

    code = "idempotency_key_reused"


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any


def fingerprint(*, path: str, body: Any) -> str:
    """What makes two requests the same: their path and body (JSON), as sha256 in hex."""
    text = json.dumps([path, body], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def claim_key(*, principal: str, endpoint: str, key: str, fingerprint: str) -> Answer | None:
    """Take the key, or return the first answer given under it. Call inside the transaction of the effect.

    A second request waits here until the first has committed. Raises IdempotencyKeyReused where the fingerprint differs.
    """
    with prepared_cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_idempotencykey (principal, endpoint, key, fingerprint)
            VALUES (%s, %s, %s, %s) ON CONFLICT (principal, endpoint, key) DO NOTHING RETURNING id
            """,
            [principal, endpoint, key, fingerprint],
        )
        if cursor.fetchone():
            return None
    return find_answer(principal=principal, endpoint=endpoint, key=key, fingerprint=fingerprint)


def find_answer(*, principal: str, endpoint: str, key: str, fingerprint: str) -> Answer | None:
    """The answer kept under the key, or None. Raises IdempotencyKeyReused where the fingerprint differs."""
    with prepared_cursor() as cursor:
        cursor.execute(
            "SELECT fingerprint, status, body FROM core_idempotencykey"
            " WHERE principal = %s AND endpoint = %s AND key = %s",
            [principal, endpoint, key],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    if row[0] != fingerprint:
        raise IdempotencyKeyReused
    return Answer(status=row[1], body=json.loads(row[2]) if isinstance(row[2], str) else row[2])


def keep_answer(*, principal: str, endpoint: str, key: str, answer: Answer) -> None:
    """Keep the answer under a key claimed in this transaction."""
    with prepared_cursor() as cursor:
        cursor.execute(
            "UPDATE core_idempotencykey SET status = %s, body = %s::jsonb"
            " WHERE principal = %s AND endpoint = %s AND key = %s",
            [answer.status, json.dumps(answer.body, default=str), principal, endpoint, key],
        )
