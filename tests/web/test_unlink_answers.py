"""What a click on Unlink is answered, in every case, with htmx and without JavaScript."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.clock import database_now
from companies.models import Level
from erp_integrations.models import UnlinkAttempt, Via
from tests import factories
from tests.web.pages import Element, page_of, parse
from tests.web.people import (
    AMBER,
    GREEN,
    RED,
    STILL_THERE,
    SUCCESS,
    answered_message,
    browser_of,
    click,
    htmx,
    list_address,
    range_in,
    submit,
    unlink_address,
)
from tests.world import World


def out_of_band(fragment: Element) -> dict[str, Element]:
    """What htmx puts elsewhere on the page, by the id of the place."""
    places = {}
    for element in fragment.everything():
        swap = element.get("hx-swap-oob")
        if swap:
            places[swap.partition("#")[2] or element["id"]] = element
    return places


def being_checked(world: World, cco: CommitmentChangeOrder, *, by: str) -> UnlinkAttempt:
    """Somebody's question about the CCO that is open."""
    now = database_now()
    return UnlinkAttempt.objects.create(
        link=world.link_of(cco),
        started_at=now,
        expires_at=now + timedelta(seconds=30),
        actor_id=4711,
        actor_name=by,
        via=Via.PAGE,
        connection_revision=world.fresh_connection().revision,
    )


# --- green ---------------------------------------------------------------------------------------


def test_green_with_htmx_takes_the_row_away_and_brings_everything_else_up_to_date(world: World) -> None:
    gone, other, approver = world.synced_cco(), world.synced_cco("plain-01"), world.person()
    world.delete_in_sage(gone)

    answer = click(browser_of(approver), world, gone)

    assert answer.status_code == 200
    colour, title, words = answered_message(answer)
    assert (colour, title) == (GREEN, SUCCESS)
    assert f'CCO {gone.number} "{gone.title}" (Harbor Tower) is no longer tied to Sage' in words
    assert "Deleted there by ACCT2" in words
    fragment = page_of(answer)
    assert fragment.all(f"#cco-{gone.pk}") == []
    places = out_of_band(fragment)
    assert places["messages-status"].one(".message-title").text == SUCCESS
    assert places["messages-alert"].text == ""
    group = places[f"group-{gone.commitment_id}"]
    assert "1 CCO" in group.text
    assert group.one(".num").text == "100.00"
    assert "Successfully Synced 1" in places["views"].text
    assert range_in(places["range"]) == "1-1 of 1"
    assert "Sage 100 Contractor® answered" in places["freshness"].text
    gone.refresh_from_db()
    assert gone.erp_status == ErpStatus.NOT_IN_ERP
    assert world.link_of(other).is_active


def test_the_last_row_of_a_group_takes_the_group_with_it(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    places = out_of_band(page_of(click(browser_of(approver), world, cco)))

    assert places[f"group-{cco.commitment_id}"]["hx-swap-oob"] == "delete"
    assert "Successfully Synced 0" in places["views"].text


def test_rows_of_a_table_and_what_follows_them_are_kept_whole_in_templates(world: World) -> None:
    """A browser's parser drops a form that follows a bare table row."""
    cco, approver = world.synced_cco(), world.person()

    fragment = page_of(click(browser_of(approver), world, cco))

    outermost = [child for child in fragment.children if isinstance(child, Element)]
    assert outermost[0].tag == "tr"
    assert {element.tag for element in outermost[1:]} == {"template"}


def test_the_counts_in_the_answer_are_those_of_the_view_and_search_on_the_page(world: World) -> None:
    gone, other, approver = world.synced_cco(), world.synced_cco("plain-01"), world.person()
    world.delete_in_sage(gone)

    answer = click(browser_of(approver), world, gone, f"?view=synced&q={world.record_of(other)}")

    assert range_in(out_of_band(page_of(answer))["range"]) == "1-1 of 1"


def test_the_bulk_button_counts_the_records_that_are_still_gone(world: World) -> None:
    gone, other, approver = world.synced_cco(), world.synced_cco("plain-01"), world.person()
    client = browser_of(approver)
    for cco in (gone, other):
        world.delete_in_sage(cco)
        client.post(reverse("check", args=[world.company.slug, cco.pk]))

    places = out_of_band(page_of(click(client, world, gone)))
    assert places["gone"].text == "Unlink all that are deleted in Sage (1)"
    assert "Deleted in Sage 1" in places["views"].text

    assert out_of_band(page_of(click(client, world, other)))["gone"].text == ""


def test_green_without_htmx_shows_the_same_message_on_the_next_page(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    client = browser_of(approver)

    answer = submit(client, world, cco)
    assert answer.status_code == 303
    assert answer["Location"] == list_address(world)

    colour, title, words = answered_message(client.get(answer["Location"]))
    assert (colour, title) == (GREEN, SUCCESS)
    assert "Deleted there by ACCT2" in words
    after = page_of(client.get(list_address(world)))
    assert after.one("#messages").text == "", "the message is shown once"


def test_the_green_message_offers_the_next_step_to_those_who_may_take_it(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    fragment = page_of(click(browser_of(approver), world, cco))

    steps = fragment.one(".message-next")
    assert steps.texts("li") == ["Set to Draft", "View history", "Undo"]
    draft = reverse(
        "commitment-change-order-set-to-draft", args=[world.company.slug, world.project.number, cco.pk]
    )
    assert steps.all("form")[0]["action"] == draft


# --- red -----------------------------------------------------------------------------------------


def test_red_with_htmx_says_the_exact_words_and_keeps_the_row(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    before = world.before(cco)

    answer = click(browser_of(approver), world, cco)

    assert answer.status_code == 409
    colour, title, words = answered_message(answer)
    assert (colour, title) == (RED, STILL_THERE)
    assert f"Record {world.record_of(cco)}" in words
    fragment = page_of(answer)
    assert fragment.one(f"#cco-{cco.pk}")["data-presence"] == "present"
    places = out_of_band(fragment)
    assert places["messages-status"].text == ""
    assert places["messages-alert"].one(".message-title").text == STILL_THERE
    assert "Successfully Synced 1" in places["views"].text
    assert world.before(cco) == before


def test_red_without_htmx_shows_the_same_message_on_the_next_page(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    before, client = world.before(cco), browser_of(approver)

    answer = submit(client, world, cco)
    assert answer.status_code == 303

    colour, title, _words = answered_message(client.get(answer["Location"]))
    assert (colour, title) == (RED, STILL_THERE)
    assert world.before(cco) == before


@pytest.mark.parametrize(
    ("act", "presence", "words"),
    [
        ("void", "not-effective", "It is marked Void in Sage; delete it there to unlink."),
        ("reject", "not-effective", "It is marked Rejected in Sage; delete it there to unlink."),
    ],
)
def test_a_record_that_lost_its_effect_is_still_there(
    world: World, act: str, presence: str, words: str
) -> None:
    cco, approver = world.synced_cco(), world.person()
    getattr(world.sage, act)(world.record_of(cco), user="ACCT2")
    before = world.before(cco)

    answer = click(browser_of(approver), world, cco)

    assert answer.status_code == 409
    assert answered_message(answer)[:2] == (RED, STILL_THERE)
    assert words in answered_message(answer)[2]
    assert page_of(answer).one(f"#cco-{cco.pk}")["data-presence"] == presence
    assert world.before(cco) == before


def test_a_renumbered_record_is_still_there_under_its_new_number(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.sage.renumber(world.record_of(cco), "9-99", user="ACCT2")
    before = world.before(cco)

    answer = click(browser_of(approver), world, cco)

    assert answer.status_code == 409
    assert answered_message(answer)[:2] == (RED, STILL_THERE)
    assert "9-99" in answered_message(answer)[2]
    assert world.before(cco) == before


# --- amber: somebody else was first --------------------------------------------------------------


def test_amber_while_somebody_else_asks_and_sage_is_not_asked_again(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    being_checked(world, cco, by="erp-admin")
    before = world.before(cco)

    answer = click(browser_of(approver), world, cco)

    assert answer.status_code == 409
    colour, title, words = answered_message(answer)
    assert (colour, title) == (AMBER, "This CCO is being checked")
    assert "erp-admin asked Sage 100 Contractor® about it at" in words
    assert page_of(answer).one(f"#cco-{cco.pk}").tag == "tr"
    assert len(world.attempts(cco)) == 1
    assert world.before(cco) == before


def test_amber_for_a_cco_that_was_unlinked_a_moment_ago_with_who_and_when(world: World) -> None:
    cco, approver, second = world.synced_cco(), world.person(), world.person("erp-admin")
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)
    before = world.before(cco)

    answer = click(browser_of(second), world, cco)

    assert answer.status_code == 409
    colour, title, words = answered_message(answer)
    assert (colour, title) == (AMBER, "This CCO was unlinked already")
    assert "approver unlinked it on" in words
    fragment = page_of(answer)
    assert fragment.all(f"#cco-{cco.pk}") == [], "the row that is out of date leaves the page"
    assert len(world.attempts(cco)) == 1
    assert world.before(cco) == before


def test_amber_for_a_cco_that_never_was_linked(world: World) -> None:
    cco, approver = world.free_cco(), world.person()

    answer = click(browser_of(approver), world, cco)

    assert answer.status_code == 409
    assert answered_message(answer)[:2] == (AMBER, "This CCO is not tied to Sage 100 Contractor®")
    assert answer["HX-Reswap"] == "none", "there is no row to put in the place of the one on the page"


def test_amber_conflicts_say_the_same_without_htmx(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    being_checked(world, cco, by="erp-admin")
    client = browser_of(approver)

    answer = submit(client, world, cco)

    assert answer.status_code == 303
    assert answered_message(client.get(answer["Location"]))[:2] == (AMBER, "This CCO is being checked")


# --- amber: no trustworthy answer ----------------------------------------------------------------

FAULTS = (
    *("offline", "slow:30", "login-refused", "app-refused", "no-rights", "wrong-database", "restored"),
    *("missing-table", "missing-column", "emptied", "locked", "deadlock", "drops"),
)


@pytest.mark.parametrize("fault", FAULTS)
def test_amber_for_every_fault_with_words_of_its_own_and_nothing_changed(
    world: World, settings: Settings, fault: str
) -> None:
    settings.SAGE_DEADLINE_SECONDS = 1
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    world.sage.set_fault(fault)
    before = world.before(cco)

    answer = click(browser_of(approver), world, cco)

    assert answer.status_code == 503
    colour, title, words = answered_message(answer)
    assert colour == AMBER
    assert title not in (SUCCESS, STILL_THERE, "")
    assert "Nothing was changed" in words
    assert "Try again" in words
    for secret in ("sqlite", "SQLSTATE", "[Plumbline]", str(world.connection.sandbox_path), "Traceback"):
        assert secret.lower() not in words.lower()
    assert page_of(answer).one(f"#cco-{cco.pk}")["data-presence"] in ("unknown", "job-missing")
    assert world.before(cco) == before


def test_faults_are_told_apart_in_words(world: World) -> None:
    """Who can mend it differs, so the words must."""
    cco, approver = world.synced_cco(), world.person()
    client = browser_of(approver)
    told = {}
    for fault in ("offline", "login-refused", "app-refused", "no-rights", "wrong-database", "missing-table"):
        world.sage.set_fault(fault)
        told[fault] = answered_message(click(client, world, cco))[1]
    assert len(set(told.values())) == len(told), told


def test_no_answer_without_htmx_shows_the_same_message_on_the_next_page(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.sage.set_fault("offline")
    client = browser_of(approver)

    answer = submit(client, world, cco)

    assert answer.status_code == 303
    page = client.get(answer["Location"])
    assert answered_message(page)[0] == AMBER
    again = [form for form in page_of(page).one("#messages").all("form") if form.text == "Try again"]
    assert again[0]["action"] == unlink_address(world, cco)


def test_a_connection_that_was_never_checked_gives_no_verdict(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    connection = world.fresh_connection()
    connection.accepted_incarnation, connection.accepted_by_name, connection.accepted_at = "", "", None
    connection.save()
    before = world.before(cco)

    answer = click(browser_of(approver), world, cco)

    assert answer.status_code == 503
    assert answered_message(answer)[0] == AMBER
    assert world.before(cco) == before


# --- not allowed ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lacks", "words"),
    [
        (
            {"commitments": Level.STANDARD},
            "Needs 'Admin' on Commitments in Harbor Tower; you have 'Standard'",
        ),
        (
            {"erp_integrations": Level.READ_ONLY},
            "Needs 'Standard' or 'Admin' on ERP Integrations; you have 'Read Only'",
        ),
        ({"can_push_to_accounting": False}, "Needs Can Push to Accounting"),
    ],
)
def test_403_names_what_is_missing_and_does_not_ask_sage(
    world: World, lacks: dict[str, Any], words: str
) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    person = world.person("somebody", **lacks)
    before = world.before(cco)
    client = browser_of(person)

    answer = click(client, world, cco)

    assert answer.status_code == 403
    colour, title, all_words = answered_message(answer)
    assert (colour, title) == (AMBER, "You may not do this")
    assert words in all_words
    assert submit(client, world, cco).status_code == 303
    assert world.attempts(cco) == []
    assert world.before(cco) == before


def test_403_without_any_level_on_erp_integrations_shows_no_row(world: World) -> None:
    cco = world.synced_cco()
    person = world.person("project-manager", erp_integrations=Level.NONE, can_push_to_accounting=False)

    answer = click(browser_of(person), world, cco)

    assert answer.status_code == 403
    assert page_of(answer).all("tr") == []
    assert answer["HX-Reswap"] == "none"
    assert world.attempts(cco) == []


def test_all_that_is_missing_is_said_together(world: World) -> None:
    cco = world.synced_cco()
    person = world.person(
        "nobody-much",
        commitments=Level.NONE,
        erp_integrations=Level.NONE,
        can_push_to_accounting=False,
    )

    words = answered_message(click(browser_of(person), world, cco))[2]

    assert words.count("Needs ") == 3


# --- not there -----------------------------------------------------------------------------------


@pytest.mark.parametrize("javascript", ["htmx", "none"])
@pytest.mark.parametrize("change_order_id", ["abc", "1.5", "-1", "0", "999999999", "9" * 400, "%00", "1%27"])
def test_404_for_an_id_that_names_nothing(world: World, change_order_id: str, javascript: str) -> None:
    cco, approver = world.synced_cco(), world.person()
    address = list_address(world) + f"{change_order_id}/unlink/"
    headers = htmx(list_address(world)) if javascript == "htmx" else {}

    answer = browser_of(approver).post(address, headers=headers)

    assert answer.status_code == 404
    assert world.link_of(cco).is_active
    assert world.attempts(cco) == []


@pytest.mark.parametrize("javascript", ["htmx", "none"])
def test_404_for_another_companys_cco(world: World, javascript: str) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    other_company = factories.CompanyFactory.create(slug="ridgeline", name="Ridgeline Civil")
    outsider = factories.UserFactory.create(username="outsider")
    factories.MembershipFactory.create(company=other_company, user=outsider, can_push_to_accounting=True)
    before, client = world.before(cco), browser_of(outsider)
    addresses = (
        unlink_address(world, cco),  # their company, named
        reverse("unlink", args=["ridgeline", cco.pk]),  # our own company's name, their CCO
        reverse("unlink", args=["no-such-company", cco.pk]),
    )
    for address in addresses:
        answer = client.post(address, headers=htmx(list_address(world)) if javascript == "htmx" else {})
        assert answer.status_code == 404, address
        assert answer.headers.get("HX-Refresh") == ("true" if javascript == "htmx" else None)
        assert cco.title.encode() not in answer.content
    assert world.attempts(cco) == []
    assert world.before(cco) == before


def test_get_on_unlink_is_not_a_way_to_unlink(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    before, client = world.before(cco), browser_of(approver)

    for ask in (client.get, client.head, client.put, client.delete):
        assert ask(unlink_address(world, cco)).status_code == 405

    assert world.attempts(cco) == []
    assert world.before(cco) == before


def test_what_people_wrote_is_shown_as_words_never_as_markup(world: World) -> None:
    cco = world.free_cco(erp_status=ErpStatus.NOT_IN_ERP)
    nasty = '<img src=x onerror=alert(1)> & "quotes" \''
    cco.title = nasty
    cco.save()
    factories.walk_to(cco, ErpStatus.READY_TO_EXPORT)
    world.link(cco, "present")
    client = browser_of(world.person())

    for markup in (
        click(client, world, cco).content.decode(),
        client.get(submit(client, world, cco)["Location"]).content.decode(),
    ):
        assert "<img src=x" not in markup
        assert nasty in parse(markup).text.replace("  ", " ")


def test_without_javascript_the_list_comes_back_as_it_was_searched(world: World) -> None:
    cco = world.synced_cco()
    client = browser_of(world.person())
    searched = list_address(world, "?view=synced&q=steel")

    answer = client.post(unlink_address(world, cco), headers={"Referer": f"http://testserver{searched}"})

    assert (answer.status_code, answer["Location"]) == (303, searched)


@pytest.mark.parametrize("stranger", ["http://elsewhere.example", "http://testserver/elsewhere/"])
def test_without_javascript_no_other_page_is_gone_to(world: World, stranger: str) -> None:
    cco = world.synced_cco()
    client = browser_of(world.person())

    answer = client.post(unlink_address(world, cco), headers={"Referer": f"{stranger}?q=steel"})

    assert (answer.status_code, answer["Location"]) == (303, list_address(world))


# --- cost ----------------------------------------------------------------------------------------

BORDERS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK")


@pytest.mark.parametrize("gone", [True, False])
def test_a_click_takes_few_statements_from_request_to_response(world: World, *, gone: bool) -> None:
    cco, approver = world.synced_cco(), world.person()
    if gone:
        world.delete_in_sage(cco)
    client = browser_of(approver)

    with CaptureQueriesContext(connection) as asked:
        answer = click(client, world, cco)

    assert answer.status_code == (200 if gone else 409)
    statements = [one["sql"] for one in asked if not one["sql"].startswith(BORDERS)]
    assert len(statements) <= 25, "\n".join(statements)
