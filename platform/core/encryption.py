"""Text that must be kept and read again, yet not by whoever gets hold of the database: encrypted at rest.

Fernet (AES-128-CBC with HMAC-SHA-256, of the `cryptography` package) under keys derived from ENCRYPTION_KEYS, or from SECRET_KEY
where none is set. The first key encrypts, every key decrypts: put a new one in front and keep the old ones.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """No key of the settings opens it: ENCRYPTION_KEYS lost a key, or SECRET_KEY changed and none was set."""


def encrypt(text: str) -> str:
    """Unlike at every call; about 4/3 of the text and 100 characters long."""
    return encrypt_bytes(text.encode()).decode("ascii")


def decrypt(token: str) -> str:
    """What was given to encrypt. Raises Unreadable."""
    return decrypt_bytes(token.encode("ascii")).decode()


def encrypt_bytes(content: bytes) -> bytes:
    return _keys().encrypt(content)


def decrypt_bytes(token: bytes) -> bytes:
    """What was given to encrypt_bytes. Raises Unreadable."""
    try:
        return _keys().decrypt(token)
    except InvalidToken as error:
        raise Unreadable from error


def _keys() -> MultiFernet:
    secrets = settings.ENCRYPTION_KEYS or [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derive(secret)) for secret in secrets])


def _derive(secret: str) -> bytes:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tongdao encryption at rest")
    return base64.urlsafe_b64encode(key.derive(secret.encode()))
