"""The driver for each kind of connection."""

from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django import Settings

from config.checks import erp_drivers_can_be_loaded
from erp_integrations.erp import registry
from erp_integrations.ports import ConnectionSpec, Misconfigured

REAL = ConnectionSpec(registry.ODBC, "Books", "accepted", odbc_string="DRIVER=FreeTDS;DATABASE=Books")
PRACTICE = ConnectionSpec(registry.SANDBOX, "Books", "accepted", sandbox_path=Path("books"))


def test_real_books_have_a_worksheet_and_nothing_that_writes() -> None:
    assert registry.writers_of(registry.ODBC) == ("worksheet",)
    assert all(registry.writer_for(REAL, name).by_hand for name in registry.writers_of(registry.ODBC))


def test_a_practice_company_is_written_to_by_hand_or_by_itself() -> None:
    by_hand = {
        name: registry.writer_for(PRACTICE, name).by_hand for name in registry.writers_of(registry.SANDBOX)
    }
    assert by_hand == {"worksheet": True, "sandbox": False}


@pytest.mark.parametrize("name", ["sandbox", "", "reader", "../worksheet"])
def test_a_writer_that_the_books_do_not_have_is_misconfigured(name: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        registry.writer_for(REAL, name)
    assert raised.value.fault.code == "writer-missing"


def test_not_even_a_practice_connection_leads_the_writer_to_real_books() -> None:
    for spec in (
        replace(PRACTICE, sandbox_path=None),
        replace(PRACTICE, odbc_string=REAL.odbc_string),
    ):
        with pytest.raises(Misconfigured):
            registry.writer_for(spec, "sandbox")


@pytest.mark.parametrize("path", ["sage_adapter.nowhere.ODBC", "sage_adapter.drivers.NAME"])
def test_a_driver_that_cannot_be_loaded_is_reported_at_the_start(settings: Settings, path: str) -> None:
    assert erp_drivers_can_be_loaded() == []
    settings.ERP_KINDS = {registry.ODBC: path}
    [problem] = erp_drivers_can_be_loaded()
    assert registry.ODBC in problem.msg
    assert path in str(problem.hint)
