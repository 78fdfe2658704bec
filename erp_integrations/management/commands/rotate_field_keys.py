"""manage.py rotate_field_keys: seal every stored secret with the newest key."""

from typing import Any

from erp_integrations.connections.key_rotation import rotate_field_keys
from erp_integrations.management.reporting import MISCONFIGURED, ReportingCommand


class Command(ReportingCommand):
    help = (
        "Seals every stored secret with the first of FIELD_KEYS, so that the others can be dropped. Safe to "
        "run again, and while Plumbline is running with the same FIELD_KEYS."
    )

    def handle(self, **_: Any) -> None:
        rotated = rotate_field_keys()
        fields = {"sealed_anew": rotated.sealed_anew, "already": rotated.already, "closed": rotated.closed}
        words = f"Sealed anew: {rotated.sealed_anew}. Already sealed with the newest key: {rotated.already}."
        if rotated.closed:
            self.refuse(
                f"{words} No key opens the connection of: {', '.join(rotated.closed)}. Put the key it was "
                "sealed with into FIELD_KEYS, or set the connection again; keep the old keys until then.",
                code=MISCONFIGURED,
                **fields,
            )
        self.report(f"{words} The older keys in FIELD_KEYS can be dropped.", **fields)
