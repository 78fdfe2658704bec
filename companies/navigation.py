"""A link in the bar."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NavigationLink:
    label: str
    url: str
    current: bool
