"""Findings and drafts as plain JSON, for attempts, exports and events."""

import dataclasses
import functools
import uuid
from collections.abc import Hashable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

from erp_integrations.ports import Finding


def as_json(finding: Finding) -> dict[str, Any]:
    """The finding without its empty values."""
    plain = _filled(as_plain(finding))
    return {name: value for name, value in plain.items() if value}


def as_plain(value: Any) -> Any:
    """Values of the port as JSON: amounts and ids as text, dates in ISO 8601, durations in seconds."""
    match value:
        case dict():
            return {name: as_plain(part) for name, part in value.items()}
        case list() | tuple():
            return [as_plain(part) for part in value]
        case date():
            return value.isoformat()
        case Decimal() | uuid.UUID():
            return str(value)
        case timedelta():
            return value.total_seconds()
        case _ if names := _names(cast(Hashable, type(value))):
            return {name: as_plain(getattr(value, name)) for name in names}
        case _:
            return value


@functools.cache
def _names(kind: Any) -> tuple[str, ...]:
    """The field names of a dataclass, cached.

    A reconciliation writes 10,000 findings, for which `asdict`, which copies, is too slow.
    """
    return tuple(one.name for one in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else ()


def _filled(value: Any) -> Any:
    """Removes empty values, which most fields of a finding are."""
    match value:
        case dict():
            filled = {name: _filled(part) for name, part in value.items()}
            return {name: part for name, part in filled.items() if part not in (None, "", [], {})}
        case list():
            return [_filled(part) for part in value]
        case _:
            return value
