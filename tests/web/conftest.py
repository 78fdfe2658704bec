"""What tests of pages share."""

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def queries_of_django_itself(settings: Settings) -> None:
    """Django reads a session twice when it changes its key; that is not one query per row."""
    settings.ZEAL_ALLOWLIST = [{"model": "sessions.Session", "field": "get()"}]
