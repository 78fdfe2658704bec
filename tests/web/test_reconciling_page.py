"""The Connection page on comparing all CCOs: how it went lately, and what an ERP admin may set."""

from datetime import time, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from companies.clock import database_now
from erp_integrations.models import Connection, ReconcileRun, Via
from tests.domain.test_reconciling import run
from tests.web.pages import Element, page_of
from tests.web.people import browser_of
from tests.world import World

CONNECTION = "/companies/harbor-point/erp-integrations/connection/"
SETTINGS = CONNECTION + "reconciliation/"


def main_of(client: Client) -> Element:
    return page_of(client.get(CONNECTION)).one("#main")


def filled_in(client: Client, **typed: str) -> dict[str, str]:
    """The form as the page gives it, with some fields typed anew."""
    form = main_of(client).one("#reconciliation")
    values = {
        field["name"]: field.get("value") or "" for field in form.all("input") if "csrf" not in field["name"]
    }
    assert {f"reconcile-{name}" for name in typed} <= values.keys()
    return values | {f"reconcile-{name}": value for name, value in typed.items()}


def set_by(client: Client, **typed: str) -> Any:
    return client.post(SETTINGS, filled_in(client, **typed))


def stored(world: World) -> tuple[int | None, time | None, time | None, int]:
    return Connection.objects.values_list(
        "reconcile_every_minutes", "rests_from", "rests_to", "most_missing_percent"
    ).get(pk=world.connection.pk)


def test_it_says_how_often_and_how_the_last_runs_went(world: World) -> None:
    cco = world.synced_cco()
    client = browser_of(world.person())
    before = main_of(client).text
    world.delete_in_sage(cco)
    run(world)
    world.sage.set_fault("offline")
    run(world)

    page = main_of(client)

    assert "Every 20 seconds. There was no complete run yet." in before
    rows = [row.text for row in page.all("tr")[1:]]
    assert len(rows) == 2
    assert "No answer" in rows[0]
    assert "cannot be reached" in rows[0]
    assert "Complete" in rows[1]
    cells = [cell.text for cell in page.all("tr")[2].all("td.num")]
    assert cells[1:] == ["1", "0", "1", "0", "0", "1"]
    assert "Not every synced CCO was compared since" in page.text


def test_after_a_complete_run_nothing_is_stale(world: World) -> None:
    world.sage.set_fault("offline")
    run(world)
    world.sage.set_fault("none")
    run(world)

    page = main_of(browser_of(world.person()))

    assert "Not every synced CCO" not in page.text
    assert "The last complete run began just now" in page.text


def test_a_run_that_was_not_believed_says_why_and_who_can_act(world: World) -> None:
    world.synced_cco()
    for record in world.sage.change_orders():
        if not record.deleted:
            world.sage.delete(record.record_number, user="ACCT2")
    run(world)

    page = main_of(browser_of(world.person()))

    assert "Misconfigured: not believed" in page.text
    assert "holds no change orders at all" in page.text
    assert "an ERP admin sets the most that may go missing at once to 100 %" in page.text
    assert (
        "the last run was not believed, and nothing was recorded. So it stays until an ERP admin" in page.text
    )
    assert "did not come to its end" not in page.text


def test_a_run_that_is_under_way_is_shown(world: World) -> None:
    now = database_now()
    ReconcileRun.objects.create(
        connection=world.connection,
        started_at=now,
        expires_at=now + timedelta(minutes=2),
        actor_name="Plumbline",
        via=Via.QUEUE,
        connection_revision=1,
    )

    page = main_of(browser_of(world.person()))

    assert "Running" in page.text
    assert "Not every synced CCO" not in page.text


def test_many_runs_cost_no_query_more(world: World) -> None:
    client = browser_of(world.person())

    def queries() -> int:
        with CaptureQueriesContext(database) as asked:
            client.get(CONNECTION)
        return len(asked)

    run(world)
    of_one = queries()
    for _ in range(12):
        run(world)

    assert queries() == of_one
    assert len(main_of(client).all("tr")) == 1 + 8


def test_an_erp_admin_sets_it_and_the_ledger_says_so(world: World) -> None:
    client = browser_of(world.erp_admin())

    answer = set_by(
        client, reconcile_every_minutes="15", rests_from="22:00", rests_to="04:30", most_missing_percent="25"
    )

    assert answer.status_code == 302
    assert stored(world) == (15, time(22), time(4, 30), 25)
    page = page_of(client.get(CONNECTION))
    assert "The settings were stored" in page.one("#messages").text
    assert "Every 15 minutes, but not between 22:00 and 04:30" in page.one("#main").text
    [event] = world.events(kind="RECONCILE_SET")
    assert event.actor_name == "erp-admin"
    assert "Admin on ERP Integrations" in event.rights
    assert event.evidence["before"]["most_missing_percent"] == "10"
    assert event.evidence["after"]["rests_to"] == "04:30:00"


def test_zero_is_never_and_nothing_is_as_usual(world: World) -> None:
    client = browser_of(world.erp_admin())

    set_by(client, reconcile_every_minutes="0")
    never = main_of(client).text
    set_by(client, reconcile_every_minutes="")

    assert "Never by itself" in never
    assert "Empty: every 20 seconds. 0: never by itself." in never
    assert stored(world) == (None, None, None, 10)


@pytest.mark.parametrize(
    "typed",
    [
        {"reconcile_every_minutes": "-1"},
        {"reconcile_every_minutes": "1441"},
        {"reconcile_every_minutes": "often"},
        {"reconcile_every_minutes": "1e3"},
        {"rests_from": "22:00"},
        {"rests_to": "22:00"},
        {"rests_from": "22:00", "rests_to": "22:00"},
        {"rests_from": "25:00", "rests_to": "22:00"},
        {"most_missing_percent": "0"},
        {"most_missing_percent": "101"},
        {"most_missing_percent": ""},
        {"most_missing_percent": "<script>alert(1)</script>"},
        {"most_missing_percent": "5\x00"},
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_typed_is_lost(
    world: World, typed: dict[str, str]
) -> None:
    client = browser_of(world.erp_admin())
    before = stored(world)

    answer = set_by(client, **typed)

    assert answer.status_code == 422
    form = page_of(answer).one("#reconciliation")
    assert "open" in form
    assert form.all("ul.errorlist")
    shown = {field["name"]: field.get("value") or "" for field in form.all("input") if "name" in field}
    for name, value in typed.items():
        assert shown[f"reconcile-{name}"].replace("\x00", "") == value.replace("\x00", "")
    assert stored(world) == before
    assert world.events(kind="RECONCILE_SET") == []


@pytest.mark.parametrize("shown", ["", "[]", "{", "null", "[" * 400, '{"most_missing_percent": 10}'])
def test_a_form_that_was_shown_to_nobody_stores_nothing(world: World, shown: str) -> None:
    client = browser_of(world.erp_admin())

    answer = set_by(client, most_missing_percent="25", shown=shown)

    assert answer.status_code in (409, 422)
    assert stored(world)[3] == 10


def test_a_form_that_was_overtaken_is_told_so_and_can_be_saved_again(world: World) -> None:
    client = browser_of(world.erp_admin())
    late = filled_in(client, most_missing_percent="30")
    set_by(client, most_missing_percent="20")

    answer = client.post(SETTINGS, late)

    assert answer.status_code == 409
    assert stored(world)[3] == 20
    page = page_of(answer)
    assert "Another user changed these settings meanwhile" in page.one("#messages").text
    again = {
        field["name"]: field.get("value") or ""
        for field in page.one("#reconciliation").all("input")
        if "csrf" not in field["name"]
    }
    assert again["reconcile-most_missing_percent"] == "30"
    assert client.post(SETTINGS, again).status_code == 302
    assert stored(world)[3] == 30


def test_whoever_may_not_is_refused_and_offered_nothing(world: World) -> None:
    admin = browser_of(world.erp_admin())
    posted = filled_in(admin, most_missing_percent="90")
    client = browser_of(world.person())

    answer = client.post(SETTINGS, posted)

    assert answer.status_code == 403
    assert stored(world)[3] == 10
    assert main_of(client).all("#reconciliation") == []


def test_the_history_of_a_cco_says_what_was_seen_otherwise(world: World) -> None:
    cco = world.synced_cco()
    world.sage.void(world.record_of(cco), user="ACCT2")
    run(world)
    address = f"/companies/harbor-point/erp-integrations/commitment-change-orders/{cco.pk}/"

    words = page_of(browser_of(world.person()).get(address)).one("#main").text

    assert "Change noticed in Sage" in words
    assert "Present → Void or Rejected · Otherwise now: status Void" in words
