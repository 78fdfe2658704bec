"""Secrets at rest."""

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from erp_integrations.erp.encryption import CannotDecrypt, decrypt, encrypt

SECRET = "SERVER=books;DATABASE=Harbor;UID=reader;PWD=hünter2"


def new_key() -> str:
    return Fernet.generate_key().decode()


def test_what_was_sealed_is_unsealed_and_cannot_be_read_meanwhile() -> None:
    sealed = encrypt(SECRET)
    assert decrypt(sealed) == SECRET
    assert "books" not in sealed
    assert "PWD" not in sealed


def test_the_same_secret_is_never_sealed_the_same() -> None:
    assert encrypt(SECRET) != encrypt(SECRET)


def test_a_new_key_in_front_of_the_old_one_opens_old_secrets(settings: Settings) -> None:
    settings.FIELD_KEYS = [old := new_key()]
    sealed = encrypt(SECRET)
    settings.FIELD_KEYS = [newest := new_key(), old]
    assert decrypt(sealed) == SECRET
    sealed_anew = encrypt(SECRET)
    settings.FIELD_KEYS = [newest]
    assert decrypt(sealed_anew) == SECRET


def test_without_its_key_a_secret_stays_sealed(settings: Settings) -> None:
    sealed = encrypt(SECRET)
    settings.FIELD_KEYS = [new_key()]
    with pytest.raises(CannotDecrypt):
        decrypt(sealed)


@pytest.mark.parametrize("damaged", ["", "nonsense", "gAAAAA"])
def test_what_was_never_sealed_is_not_unsealed(damaged: str) -> None:
    with pytest.raises(CannotDecrypt):
        decrypt(damaged)
