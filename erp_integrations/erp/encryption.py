"""Encryption of stored secrets: with the newest of FIELD_KEYS; decryption with any of them."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class CannotDecrypt(Exception):
    """None of FIELD_KEYS decrypts this secret: its key is missing."""


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_KEYS])


def encrypt(secret: str) -> str:
    return _keys().encrypt(secret.encode()).decode("ascii")


def is_encrypted_with_newest(encrypted: str) -> bool:
    """Whether the newest of FIELD_KEYS decrypts this secret, so that it needs no older key."""
    try:
        Fernet(settings.FIELD_KEYS[0]).decrypt(encrypted.encode("ascii"))
    except InvalidToken:
        return False
    return True


def decrypt(encrypted: str) -> str:
    """Raises `CannotDecrypt`."""
    try:
        return _keys().decrypt(encrypted.encode("ascii")).decode()
    except InvalidToken:
        raise CannotDecrypt from None
