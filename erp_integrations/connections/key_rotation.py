"""Encrypts stored secrets with the newest key, so that an old key can be removed."""

from dataclasses import dataclass

import structlog
from django.db import transaction

from erp_integrations.erp.encryption import CannotDecrypt, decrypt, encrypt, is_encrypted_with_newest
from erp_integrations.models import Connection

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """The result of a key rotation."""

    sealed_anew: int
    already: int
    """Secrets that were encrypted with the newest key before."""
    closed: tuple[str, ...]
    """Companies whose secret cannot be decrypted with any of FIELD_KEYS; it is left as it is."""


def rotate_field_keys() -> KeyRotation:
    """Encrypts every stored secret with the newest of FIELD_KEYS.

    One short transaction per connection, so that connections can be read and changed meanwhile. The secret
    itself does not change, so the connection's revision does not either, and running looks continue.
    """
    sealed_anew, already, closed = 0, 0, []
    sealed = Connection.objects.exclude(odbc_string_encrypted="").order_by("pk")
    for pk in list(sealed.values_list("pk", flat=True)):
        with transaction.atomic(durable=True):
            connection = (
                sealed.select_for_update(of=("self",)).select_related("company").filter(pk=pk).first()
            )
            if connection is None:
                continue  # it became a practice company meanwhile
            if is_encrypted_with_newest(connection.odbc_string_encrypted):
                already += 1
                continue
            try:
                secret = decrypt(connection.odbc_string_encrypted)
            except CannotDecrypt:
                closed.append(connection.company.slug)
                continue
            connection.odbc_string_encrypted = encrypt(secret)
            connection.save(update_fields=["odbc_string_encrypted"])
            sealed_anew += 1
    log.info("field_keys_rotated", sealed_anew=sealed_anew, already=already, closed=len(closed))
    return KeyRotation(sealed_anew=sealed_anew, already=already, closed=tuple(closed))
