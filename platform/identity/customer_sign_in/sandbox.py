"""The sandbox platform: stands in for a mini-program platform where no real one is configured.

It hands out login codes as a real one does: signed, good for five minutes, good for one exchange.
"""

import hashlib
import secrets

from django.core import signing
from django.db import transaction

from core.domain.idempotency import Answer, claim_key, keep_answer
from identity.customer_sign_in.port import LoginCodeRefused, OutsidePerson

CODE_LIFE_SECONDS = 300
SALT = "identity.customer_sign_in.sandbox"


def make_login_code(*, phone: str, nickname: str = "") -> str:
    """What `wx.login` gives a mini-program: a code for the person with this phone, whoever asks."""
    digits = "".join(char for char in phone if char in "0123456789")
    return signing.dumps(
        {
            "open_id": f"sb_{hashlib.sha256(digits.encode()).hexdigest()[:28]}",
            "nickname": nickname,
            "phone_tail": digits[-4:],
            "nonce": secrets.token_hex(8),
        },
        salt=SALT,
        compress=True,
    )


def exchange(login_code: str) -> OutsidePerson:
    """The person of a code, once. Raises LoginCodeRefused for a forged, old or used one."""
    try:
        person = signing.loads(login_code, salt=SALT, max_age=CODE_LIFE_SECONDS)
    except (signing.BadSignature, ValueError) as error:
        raise LoginCodeRefused from error
    with transaction.atomic():
        code = {"principal": "sandbox_sign_in", "endpoint": "exchange", "key": person["nonce"]}
        if claim_key(**code, fingerprint=person["nonce"]) is not None:
            raise LoginCodeRefused
        keep_answer(**code, answer=Answer(status=200, body={}))
    return OutsidePerson(
        open_id=person["open_id"], nickname=person["nickname"], phone_tail=person["phone_tail"]
    )
