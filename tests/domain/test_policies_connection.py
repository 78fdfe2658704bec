"""When a stored password may be kept, and how long a server in trouble is left in peace. Pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from erp_integrations.models import Connection
from erp_integrations.policies import may_keep_password, rests_until
from erp_integrations.ports import ServerParts

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
STORED = ServerParts(
    server="sage01",
    port=14330,
    database="Books",
    driver="FreeTDS",
    login="reader",
    password="hush",
    trust_certificate=True,
    application_name="Plumbline",
)


@pytest.mark.parametrize(
    "changed",
    [{}, {"database": "Books 2026"}, {"application_name": "Plumbline 2"}, {"password": ""}],
    ids=str,
)
def test_a_password_is_kept_for_the_same_server_login_and_encryption(changed: dict[str, Any]) -> None:
    assert may_keep_password(STORED, replace(STORED, **changed))


@pytest.mark.parametrize(
    "changed",
    [
        *({"server": "mine"}, {"server": "SAGE01"}, {"port": 1}, {"port": None}, {"driver": ""}),
        *({"login": "sa"}, {"encrypt": False}, {"trust_certificate": False}, {"certificate_host": "mine"}),
    ],
    ids=str,
)
def test_a_password_is_not_kept_for_anything_else(changed: dict[str, Any]) -> None:
    assert not may_keep_password(STORED, replace(STORED, **changed))


def test_a_password_is_not_kept_beside_what_the_form_cannot_show() -> None:
    assert not may_keep_password(replace(STORED, others=("Servername",)), STORED)
    assert not may_keep_password(replace(STORED, others=("x",)), replace(STORED, others=("x",)))


@pytest.mark.parametrize(
    ("failures", "minutes"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (2**31 - 1, 30)]
)
def test_each_failure_doubles_the_rest_up_to_half_an_hour(failures: int, minutes: int) -> None:
    connection = Connection(failures_in_a_row=failures, last_failure_at=AT)
    assert rests_until(connection) == AT + timedelta(minutes=minutes)


def test_there_is_no_rest_while_the_last_answer_was_good() -> None:
    assert rests_until(Connection(failures_in_a_row=0, last_failure_at=AT)) is None
    assert rests_until(Connection()) is None
