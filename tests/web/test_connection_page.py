"""The Connection tab: what was found and who can mend it, and never a secret."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from companies.models import Level
from erp_integrations.connections import connect
from erp_integrations.erp import registry
from erp_integrations.models import Connection, EventKind
from tests import factories
from tests.jobs import waiting, work
from tests.web.pages import page_of
from tests.web.people import answered_message, browser_of, click, htmx, unlink_address
from tests.world import LINKER, World

CONNECTION = "/companies/harbor-point/erp-integrations/connection/"
HOST, LOGIN, PASSWORD = "sage-box-17.internal.example", "plumbline_reader", "hush-hush-72"
ODBC = f"DRIVER={{No Such Driver}};SERVER={HOST};DATABASE=Harbor Point Builders;UID={LOGIN};PWD={PASSWORD}"


def messages_on(client: Client) -> str:
    return page_of(client.get(CONNECTION)).one("#messages").text


@pytest.fixture
def restored(world: World) -> World:
    """The practice company was restored from its backup: another database answers to the name."""
    world.sage.restore_backup()
    connect.check_connection(connection_id=world.connection.pk, actor=LINKER)
    return world


def test_it_shows_what_the_last_check_found(world: World) -> None:
    words = page_of(browser_of(world.person()).get(CONNECTION)).one("#panel-heading").text
    assert words == "Connection to Sage 100 Contractor®"
    panel = page_of(browser_of(world.person("erp-admin")).get(CONNECTION)).one("#main").text
    for expected in (
        "Accepted",
        "Harbor Point Builders",
        "Plumbline",
        "kept encrypted, never shown",
        "Tables found: dbo.actrec",
        "Its own history of change orders can be read",
    ):
        assert expected in panel


def test_check_now_shakes_hands_and_tells(world: World) -> None:
    client = browser_of(world.person())

    answer = client.post(CONNECTION + "check/")

    assert answer.status_code == 302
    assert "All is well: the accepted database answers." in messages_on(client)
    assert world.events()[-1].kind == EventKind.CONNECTION_CHECKED
    assert world.events()[-1].actor_name == "approver"


def test_check_now_by_htmx_fills_the_report_and_leaves_the_button_alone(world: World) -> None:
    client = browser_of(world.person())
    world.sage.set_fault("no-audit")
    form = page_of(client.get(CONNECTION)).one("#main").all("form")[0]
    assert form["hx-target"] == "#connection-report"
    assert form["data-asking"]

    answer = client.post(form["hx-post"], headers=htmx(CONNECTION))

    assert answer.status_code == 200
    fragment = page_of(answer)
    assert fragment.all("html") + fragment.all("h1") + fragment.all("#connection-report") == []
    assert (
        "Its own history of change orders cannot be read"
        in fragment.one("ul.checks").one(".check-refused").text
    )
    assert {element["hx-swap-oob"] for element in fragment.everything() if "hx-swap-oob" in element} == {
        f"innerHTML:#{place}"
        for place in (
            "connection-status",
            "connection-facts",
            "freshness",
            "messages-status",
            "messages-alert",
        )
    }
    assert "All is well: the accepted database answers." in fragment.text


def test_every_red_line_leads_to_words_that_explain_it(world: World) -> None:
    client = browser_of(world.person())
    explained = page_of(client.get("/how-to/what-each-error-means/"))
    for fault in ("offline", "login-refused", "app-refused", "no-rights", "missing-table", "wrong-database"):
        world.sage.set_fault(fault)
        client.post(CONNECTION + "check/")
        red = page_of(client.get(CONNECTION)).all(".check-refused")
        assert red, fault
        address, _, code = red[0].one("a")["href"].partition("#")
        assert address == "/how-to/what-each-error-means/"
        assert explained.one(f"#{code}").one("dd").text in red[0].text


def test_a_server_in_trouble_is_shown_with_how_long_it_is_left_in_peace(world: World) -> None:
    client = browser_of(world.person())
    assert "Failures in a row" not in page_of(client.get(CONNECTION)).one("#connection-facts").text
    world.sage.set_fault("offline")

    client.post(CONNECTION + "check/")

    facts = page_of(client.get(CONNECTION)).one("#connection-facts").text
    assert "Failures in a row 1. Nothing but people's own clicks asks it before" in facts
    Connection.objects.update(last_failure_at="2026-01-01T00:00:00Z")
    assert "people's own clicks" not in page_of(client.get(CONNECTION)).one("#connection-facts").text


@pytest.mark.parametrize(
    "fault", ["offline", "login-refused", "no-rights", "missing-table", "wrong-database"]
)
def test_a_check_that_fails_says_who_can_mend_it_and_the_list_shows_doubt(world: World, fault: str) -> None:
    client, accepted = browser_of(world.person()), world.fresh_connection().accepted_incarnation
    world.sage.set_fault(fault)

    client.post(CONNECTION + "check/")

    page = page_of(client.get(CONNECTION))
    assert page.one("#messages").one(".message-warning").text
    assert "could not be asked" in page.one("#freshness").text
    assert world.fresh_connection().accepted_incarnation == accepted


def test_no_host_login_password_or_driver_text_is_ever_in_a_page(world: World) -> None:
    """An ERP admin's form shows all but the password: `test_connection_form.py`."""
    cco, approver = world.synced_cco(), world.person()
    connect.set_connection(
        company=world.company,
        address=connect.Address(kind=registry.ODBC, database="Harbor Point Builders", odbc_string=ODBC),
        actor=LINKER,
    )
    client = browser_of(approver)

    seen = [client.get(CONNECTION).content.decode()]
    client.post(CONNECTION + "check/")
    seen.append(client.get(CONNECTION).content.decode())
    refused = click(client, world, cco)
    assert refused.status_code == 503
    seen.append(refused.content.decode())
    seen.append(
        client.get(
            f"/companies/harbor-point/erp-integrations/commitment-change-orders/{cco.pk}/"
        ).content.decode()
    )
    support = factories.UserFactory.create(username="support", is_staff=True, is_superuser=True)
    desk = browser_of(support)
    seen.append(desk.get("/admin/erp_integrations/connection/").content.decode())
    seen.append(
        desk.get(f"/admin/erp_integrations/connection/{world.connection.pk}/change/").content.decode()
    )

    sealed = world.fresh_connection().odbc_string_encrypted
    assert sealed
    for page in seen:
        for secret in (
            HOST,
            LOGIN,
            PASSWORD,
            "No Such Driver",
            "unixODBC",
            "SQLDriverConnect",
            sealed,
            sealed[:40],
        ):
            assert secret not in page
    assert world.link_of(cco).is_active
    for event in world.events():
        assert PASSWORD not in str(event.evidence) + event.reason + event.subject_label
        assert HOST not in str(event.evidence) + event.reason
    for text in (repr(world.fresh_connection()), repr(registry.spec_of(world.fresh_connection()))):
        assert PASSWORD not in text


def test_the_folder_of_the_practice_company_is_not_in_the_page(world: World) -> None:
    assert (
        str(world.connection.sandbox_path) not in browser_of(world.person()).get(CONNECTION).content.decode()
    )


# --- another database answers --------------------------------------------------------------------


def test_another_database_is_shown_and_waits_for_an_erp_admin(restored: World) -> None:
    before = restored.fresh_connection().accepted_incarnation
    approver = page_of(browser_of(restored.person()).get(CONNECTION))
    assert "Another database answers" in approver.one("#main").text
    assert "A person with 'Admin' on ERP Integrations can accept it" in approver.one("#main").text
    assert approver.all("#reason") == []

    admin = browser_of(restored.person("erp-admin", erp_integrations=Level.ADMIN))
    assert page_of(admin.get(CONNECTION)).all("#reason") == []
    admin.post(CONNECTION + "compare/")
    assert "required" in page_of(admin.get(CONNECTION)).one("#reason")
    assert restored.fresh_connection().accepted_incarnation == before


@pytest.mark.parametrize("fault", ["wrong-database", "restored"])
def test_an_unlink_that_met_another_database_shows_at_once(world: World, fault: str) -> None:
    cco, approver = world.synced_cco(), world.person()
    client = browser_of(approver)
    assert page_of(client.get(CONNECTION)).one("#connection-status").text == "Accepted"
    if fault == "restored":
        world.sage.restore_backup()
    else:
        world.sage.set_fault(fault)

    client.post(unlink_address(world, cco))

    page = page_of(client.get(CONNECTION))
    status = page.one("#connection-status").text
    assert re.fullmatch(r"Another database answered at \d+:\d\d [AP]M; accept or correct it", status)
    [line] = page.all(".check-refused")
    assert "Check now shows which database it is" in line.text
    assert "another database answered" in page.one("#freshness").text
    assert world.link_of(cco).is_active


def test_another_database_that_was_met_is_told_until_the_accepted_one_answers(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    client = browser_of(approver)
    world.sage.set_fault("wrong-database")
    client.post(unlink_address(world, cco))
    world.sage.set_fault("none")

    client.post(unlink_address(world, cco))

    page = page_of(client.get(CONNECTION))
    assert page.one("#connection-status").text == "Accepted"
    assert "answered" in page.one("#freshness").text
    assert "could not be asked" not in page.one("#freshness").text


def test_a_database_that_was_met_and_then_accepted_is_no_other_any_more(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    admin = browser_of(world.person("erp-admin", erp_integrations=Level.ADMIN))
    world.sage.restore_backup()
    admin.post(CONNECTION + "check/")
    browser_of(approver).post(unlink_address(world, cco))
    assert "Another database answered" in page_of(admin.get(CONNECTION)).one("#connection-status").text

    accept(admin, world, reason="Restored after the fire")

    assert "Another database" not in page_of(admin.get(CONNECTION)).one("#connection-status").text


def test_a_connection_that_was_set_anew_forgets_the_database_that_was_met(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.sage.set_fault("wrong-database")
    browser_of(approver).post(unlink_address(world, cco))

    connect.set_connection(
        company=world.company,
        address=connect.Address(kind=registry.SANDBOX, database=world.books.name, sandbox_path=world.place),
        actor=LINKER,
    )

    status = page_of(browser_of(approver).get(CONNECTION)).one("#connection-status").text
    assert "Another database" not in status


def test_a_link_that_was_made_after_a_failure_is_an_answer(world: World) -> None:
    """The list says of its row that the record is there, now."""
    approver = world.person()
    world.sage.set_fault("offline")
    browser_of(approver).post(CONNECTION + "check/")
    assert "could not be asked" in page_of(browser_of(approver).get(CONNECTION)).one("#freshness").text
    world.sage.set_fault("none")

    world.synced_cco()

    freshness = page_of(browser_of(approver).get(CONNECTION)).one("#freshness").text
    assert "Sage 100 Contractor® answered" in freshness
    assert "could not be asked" not in freshness


def test_a_failure_says_when_sage_answered_last(world: World) -> None:
    approver = browser_of(world.person())
    approver.post(CONNECTION + "check/")
    world.sage.set_fault("offline")

    approver.post(CONNECTION + "check/")

    assert "last answer" in page_of(approver.get(CONNECTION)).one("#freshness").text


def accept(client: Client, world: World, **fields: str) -> Any:
    """The form as the page shows it once the database was compared, filled in."""
    client.post(CONNECTION + "compare/")
    client.get(CONNECTION)  # which shows what came of it
    shown = world.fresh_connection().seen_incarnation
    return client.post(CONNECTION + "accept/", {"incarnation": shown, **fields})


def test_accepting_needs_admin_on_erp_integrations(restored: World) -> None:
    before = restored.fresh_connection().accepted_incarnation

    answer = accept(browser_of(restored.person()), restored, reason="I say so")

    assert answer.status_code == 403
    assert restored.fresh_connection().accepted_incarnation == before
    assert restored.events(kind=EventKind.INCARNATION_ACCEPTED) == []


@pytest.mark.parametrize("reason", [None, "", "   ", "\x00", "x" * 201])
def test_accepting_needs_a_reason(restored: World, reason: str | None) -> None:
    before = restored.fresh_connection().accepted_incarnation
    client = browser_of(restored.person("erp-admin", erp_integrations=Level.ADMIN))

    accept(client, restored, **({} if reason is None else {"reason": reason}))

    assert "Nothing was changed." in messages_on(client)
    assert restored.fresh_connection().accepted_incarnation == before
    assert restored.events(kind=EventKind.INCARNATION_ACCEPTED) == []


def test_accepting_is_an_event_with_its_reason_and_verdicts_are_given_again(restored: World) -> None:
    client = browser_of(restored.person("erp-admin", erp_integrations=Level.ADMIN))

    accept(client, restored, reason="Restored after the disk failed")

    assert "The database was accepted." in messages_on(client)
    [event] = restored.events(kind=EventKind.INCARNATION_ACCEPTED)
    assert event.reason == "Restored after the disk failed"
    assert event.actor_name == "erp-admin"
    assert "Admin on ERP Integrations" in event.rights
    connection = restored.fresh_connection()
    assert connection.accepted_incarnation == connection.seen_incarnation
    assert connection.accepted_by_name == "erp-admin"
    client.post(CONNECTION + "check/")
    assert "All is well" in messages_on(client)


def test_accepting_twice_accepts_once(restored: World) -> None:
    client = browser_of(restored.person("erp-admin", erp_integrations=Level.ADMIN))
    for _ in range(2):
        accept(client, restored, reason="Restored")

    assert "does not wait to be accepted any more" in messages_on(client)
    assert len(restored.events(kind=EventKind.INCARNATION_ACCEPTED)) == 1


# --- what is in the other database ---------------------------------------------------------------


def test_a_database_is_compared_before_it_can_be_accepted(restored: World) -> None:
    client = browser_of(restored.person("erp-admin", erp_integrations=Level.ADMIN))
    before, shown = restored.fresh_connection().accepted_incarnation, restored.fresh_connection()

    client.post(CONNECTION + "accept/", {"incarnation": shown.seen_incarnation, "reason": "Restored"})

    assert "Compare first" in messages_on(client)
    assert [one.text for one in page_of(client.get(CONNECTION)).one("#main").all("button")].count(
        "Compare first"
    ) == 1
    assert restored.fresh_connection().accepted_incarnation == before
    assert restored.events(kind=EventKind.INCARNATION_ACCEPTED) == []


def test_the_page_says_how_many_linked_records_are_in_it_and_which_are_not(world: World) -> None:
    kept, lost = world.synced_cco("present"), world.synced_cco("older-backup")
    world.sage.restore_backup()
    connect.check_connection(connection_id=world.connection.pk, actor=LINKER)
    client = browser_of(world.person("erp-admin", erp_integrations=Level.ADMIN))

    client.post(CONNECTION + "compare/")

    assert "1 of 2 linked records are in it" in messages_on(client)
    main = page_of(client.get(CONNECTION)).one("#main")
    assert "1 of 2 linked records are in this database" in main.text
    assert f"record {world.record_of(lost)}: CCO {lost.number}" in main.text
    assert f"record {world.record_of(kept)}:" not in main.text
    history = reverse("change-order-history", args=[world.company.slug, lost.pk])
    assert history in [link.get("href") for link in main.all("a")]
    [event] = world.events(kind=EventKind.INCARNATION_COMPARED)
    assert (event.evidence["links"], event.evidence["there"]) == (2, 1)
    assert event.rights == "Admin on ERP Integrations"
    assert world.events(kind=EventKind.PRESENCE_CHANGED) == []
    assert {world.link_of(cco).presence for cco in (kept, lost)} == {"present"}


def test_what_was_compared_stands_with_the_acceptance(restored: World) -> None:
    client = browser_of(restored.person("erp-admin", erp_integrations=Level.ADMIN))

    accept(client, restored, reason="Restored after the disk failed")

    [event] = restored.events(kind=EventKind.INCARNATION_ACCEPTED)
    assert (event.evidence["comparison"]["links"], event.evidence["comparison"]["there"]) == (0, 0)
    assert restored.fresh_connection().comparison == {}


def test_a_database_that_cannot_be_compared_is_accepted_with_an_explicit_yes_only(restored: World) -> None:
    client = browser_of(restored.person("erp-admin", erp_integrations=Level.ADMIN))
    shown = restored.fresh_connection().seen_incarnation
    restored.sage.set_fault("offline")

    accept(client, restored, reason="Restored")

    assert "Compare first" in messages_on(client)
    assert restored.events(kind=EventKind.INCARNATION_ACCEPTED) == []
    assert "It could not be compared on" in page_of(client.get(CONNECTION)).one("#main").text
    form = {"incarnation": shown, "reason": "Restored", "not_compared": "on"}
    client.post(CONNECTION + "accept/", form)
    assert restored.fresh_connection().accepted_incarnation == shown


def test_a_comparison_counts_for_the_database_it_was_made_with(restored: World) -> None:
    client = browser_of(restored.person("erp-admin", erp_integrations=Level.ADMIN))
    client.post(CONNECTION + "compare/")
    restored.sage.restore_backup()
    connect.check_connection(connection_id=restored.connection.pk, actor=LINKER)
    before = restored.fresh_connection()

    client.post(CONNECTION + "accept/", {"incarnation": before.seen_incarnation, "reason": "Restored"})

    assert restored.fresh_connection().accepted_incarnation == before.accepted_incarnation
    assert "Compare first" in page_of(client.get(CONNECTION)).one("#main").text


def test_a_comparison_that_takes_too_long_goes_on_in_the_queue(restored: World, settings: Settings) -> None:
    client = browser_of(restored.person("erp-admin", erp_integrations=Level.ADMIN))
    settings.SAGE_DEADLINE_SECONDS = 0

    client.post(CONNECTION + "compare/")

    assert "The databases are being compared" in messages_on(client)
    main = page_of(client.get(CONNECTION)).one("#main")
    assert "It can be accepted after the comparison." in main.text
    assert waiting("compare_database") == [{"connection_id": restored.connection.pk}]
    work()
    assert "0 of 0 linked records are in this database" in page_of(client.get(CONNECTION)).one("#main").text


def test_where_no_other_database_waits_there_is_nothing_to_compare(world: World) -> None:
    client = browser_of(world.person("erp-admin", erp_integrations=Level.ADMIN))

    client.post(CONNECTION + "compare/")

    assert "No other database waits to be accepted." in messages_on(client)
    assert world.events(kind=EventKind.INCARNATION_COMPARED) == []


def test_only_an_erp_admin_compares(restored: World) -> None:
    assert browser_of(restored.person()).post(CONNECTION + "compare/").status_code == 403
    assert restored.events(kind=EventKind.INCARNATION_COMPARED) == []


def test_unlink_answers_amber_until_the_database_is_accepted(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.sage.restore_backup()
    before = world.before(cco)

    answer = click(browser_of(approver), world, cco)

    assert answer.status_code == 503
    assert answered_message(answer)[0] == "warning"
    assert world.before(cco) == before


# --- rights --------------------------------------------------------------------------------------


def test_read_only_sees_it_and_may_not_check(world: World) -> None:
    client = browser_of(world.person("erp-read-only", erp_integrations=Level.READ_ONLY))
    checks = len(world.events(kind=EventKind.CONNECTION_CHECKED))

    assert client.get(CONNECTION).status_code == 200
    assert client.post(CONNECTION + "check/").status_code == 403
    assert client.post(CONNECTION + "accept/", {"reason": "x"}).status_code == 403
    assert len(world.events(kind=EventKind.CONNECTION_CHECKED)) == checks


def test_who_may_not_check_is_told_who_can(world: World) -> None:
    client = browser_of(world.person("erp-read-only", erp_integrations=Level.READ_ONLY))

    panel = page_of(client.get(CONNECTION)).one("#main")

    assert panel.all("button") == []
    assert "A person with 'Standard' or 'Admin' on ERP Integrations can check it." in panel.text


def test_no_level_gets_403_and_no_member_gets_404(world: World) -> None:
    manager = browser_of(world.person("project-manager", erp_integrations=Level.NONE))
    outsider = browser_of(factories.MembershipFactory.create(user__username="outsider").user)
    for client, status in ((manager, 403), (outsider, 404)):
        assert client.get(CONNECTION).status_code == status
        assert client.post(CONNECTION + "check/").status_code == status
        assert client.post(CONNECTION + "accept/", {"reason": "x"}).status_code == status


@pytest.mark.parametrize("act", ["check/", "accept/", "compare/"])
def test_acts_are_post_only(world: World, act: str) -> None:
    assert browser_of(world.person()).get(CONNECTION + act).status_code == 405
