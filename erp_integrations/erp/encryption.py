"""Secrets at rest: sealed with the newest of FIELD_KEYS, opened with any of them."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class CannotDecrypt(Exception):
    """None of FIELD_KEYS opens this secret: the key it was sealed with is missing."""


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_KEYS])


def encrypt(secret: str) -> str:
    return _keys().encrypt(secret.encode()).decode("ascii")


def is_encrypted_with_newest(sealed: str) -> bool:
    """Whether the newest of FIELD_KEYS opens this secret, so that it needs none of the others."""
    try:
        Fernet(settings.FIELD_KEYS[0]).decrypt(sealed.encode("ascii"))
    except InvalidToken:
        return False
    return True


def decrypt(sealed: str) -> str:
    """Raises `CannotDecrypt`."""
    try:
        return _keys().decrypt(sealed.encode("ascii")).decode()
    except InvalidToken:
        raise CannotDecrypt from None
