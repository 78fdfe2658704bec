"""Findings as plain JSON, for attempts and events."""

import dataclasses
import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from erp_integrations.ports import Finding


def as_json(finding: Finding) -> dict[str, Any]:
    """The whole finding, with nothing that is empty: amounts and ids as text, times in ISO 8601."""
    return {name: value for name, value in _plain(dataclasses.asdict(finding)).items() if value}


def _plain(value: Any) -> Any:
    match value:
        case dict():
            plain = {name: _plain(part) for name, part in value.items()}
            return {name: part for name, part in plain.items() if part not in (None, "", [], {})}
        case list() | tuple():
            return [_plain(part) for part in value]
        case datetime():
            return value.isoformat()
        case Decimal() | uuid.UUID():
            return str(value)
        case _:
            return value
