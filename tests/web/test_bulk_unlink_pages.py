"""Bulk unlink and Check now on the page: what is said beforehand, what is refused, and the report."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from companies.clock import database_now
from erp_integrations.bulk_unlink import operations as bulk_unlink
from erp_integrations.change_orders import live_updates
from erp_integrations.models import BulkUnlink, LinkEvent
from tests import factories, jobs
from tests.domain.test_reconciling import run
from tests.web.pages import page_of
from tests.world import World

HTMX = {"HX-Request": "true"}


def browser(world: World, **levels: object) -> Client:
    client = Client()
    client.force_login(world.person(**levels))  # type: ignore[arg-type]
    return client


def address(world: World, name: str = "bulk-unlinks", *arguments: object) -> str:
    return reverse(name, args=[world.company.slug, *arguments])


def test_it_says_what_will_happen_then_does_it_and_reports_in_words_and_csv(world: World) -> None:
    gone, there = world.synced_cco("padded"), world.synced_cco("void")
    client = browser(world)
    world.sage.play()
    chosen = {"cco": [gone.pk, there.pk]}

    asked = client.post(address(world), chosen)
    assert (asked.status_code, BulkUnlink.objects.count()) == (200, 0)
    assert "Unlink 2 CCOs?" in page_of(asked).one("h1").text

    started = client.post(address(world), {**chosen, "confirmed": "yes"})
    bulk = BulkUnlink.objects.get()
    report = address(world, "bulk-unlink-report", bulk.pk)
    assert (started.status_code, started.headers["Location"]) == (303, report)
    assert "0 of 2 done" in client.get(report).content.decode()
    jobs.work()

    page = client.get(report).content.decode()
    assert "Unlinked" in page
    assert "Still in Sage" in page
    assert 'hx-trigger="every' not in page
    lines = b"".join(client.get(address(world, "bulk-unlink-csv", bulk.pk))).decode().splitlines()
    assert len(lines) == 3
    assert "0 of 2" not in client.get(address(world)).content.decode()


def test_all_that_are_deleted_in_sage_is_the_view_with_its_search(world: World) -> None:
    gone, others = world.synced_cco("padded"), world.synced_cco("recreated")
    world.synced_cco("present")
    client = browser(world)
    world.sage.play()
    client.post(address(world, "check-shown"), {"shown": [gone.pk, others.pk]})
    query = f"view=synced&q={world.link_of(gone).cco_title.split()[-1]}"

    client.post(address(world), {"all": "gone", "query": query, "confirmed": "yes"})

    chosen = set(BulkUnlink.objects.get().items.values_list("change_order_id", flat=True))
    assert gone.pk in chosen
    assert chosen <= {gone.pk, others.pk}


def test_each_bad_selection_gets_a_sentence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    cco, free = world.synced_cco(), world.free_cco()
    client = browser(world)
    theirs = factories.ChangeOrderFactory.create()

    def says(data: dict[str, Any]) -> tuple[int, str]:
        answer = client.post(address(world), data)
        return answer.status_code, answer.content.decode()

    for data in ({}, {"cco": "x"}, {"cco": "9" * 30}, {"cco": str(free.pk)}):
        status, words = says(data)
        assert status == 422
        assert "Nothing was selected that could be unlinked" in words
    assert says({"cco": str(theirs.pk)})[0] == 404
    status, words = says({"cco": [str(theirs.pk), str(cco.pk), str(free.pk)]})
    assert status == 200
    assert "s list, and left out" in words
    assert "not tied to Sage any more" in words
    assert theirs.title not in words
    monkeypatch.setattr("erp_integrations.bulk_unlink.views.MOST_AT_ONCE", 1)
    status, words = says({"cco": [str(cco.pk), str(free.pk)], "confirmed": "yes"})
    assert status == 422
    assert "too many to unlink at once" in words
    assert not BulkUnlink.objects.exists()


def test_for_htmx_it_is_the_content_of_a_dialog_and_a_refusal_is_a_message(world: World) -> None:
    cco, client = world.synced_cco(), browser(world)

    page = client.post(address(world), {"cco": cco.pk}).content.decode()
    dialog = client.post(address(world), {"cco": cco.pk}, headers=HTMX).content.decode()
    refused = client.post(address(world), {}, headers=HTMX)

    assert "<title>" in page
    assert "<title>" not in dialog
    for words in ("Unlink 1 CCO?", "is asked about each of them now, twice", 'name="confirmed"'):
        assert words in page
        assert words in dialog
    assert (refused.status_code, refused.headers["HX-Reswap"]) == (422, "none")
    assert "innerHTML:#messages-alert" in refused.content.decode()
    assert "Nothing was selected that could be unlinked" in refused.content.decode()
    assert not BulkUnlink.objects.exists()


def test_who_may_unlink_none_of_them_is_told_what_is_missing(world: World) -> None:
    cco = world.synced_cco()
    client = browser(world, can_push_to_accounting=False)

    answer = client.post(address(world), {"cco": cco.pk, "confirmed": "yes"})

    assert answer.status_code == 403
    assert "Needs Can Push to Accounting" in answer.content.decode()


def test_another_companys_bulk_unlink_is_not_found(world: World) -> None:
    cco = world.synced_cco()
    browser(world).post(address(world), {"cco": cco.pk, "confirmed": "yes"})
    bulk = BulkUnlink.objects.get()
    stranger = factories.MembershipFactory.create()
    client = Client()
    client.force_login(stranger.user)

    for name in ("bulk-unlink-report", "bulk-unlink-csv"):
        assert client.get(address(world, name, bulk.pk)).status_code == 404
    assert client.post(address(world, "bulk-unlink-cancel", bulk.pk)).status_code == 404
    bulk.refresh_from_db()
    assert bulk.cancelled_at is None


def test_a_report_is_cancelled_by_whoever_began_it(world: World) -> None:
    cco = world.synced_cco()
    client = browser(world)
    client.post(address(world), {"cco": cco.pk, "confirmed": "yes"})
    bulk = BulkUnlink.objects.get()

    assert client.post(address(world, "bulk-unlink-cancel", bulk.pk)).status_code == 303

    assert "Cancelled" in client.get(address(world, "bulk-unlink-report", bulk.pk)).content.decode()


# --- check now, and live rows --------------------------------------------------------------------


def test_check_now_refreshes_the_row_and_cuts_nothing(world: World) -> None:
    cco = world.synced_cco()
    client = browser(world)
    world.delete_in_sage(cco)

    answer = client.post(address(world, "check", cco.pk), headers=HTMX)

    assert answer.status_code == 200
    assert f"innerHTML:#said-{cco.pk}" in answer.content.decode()
    assert 'data-says="absent"' in answer.content.decode()
    assert "1 CCO checked" in answer.content.decode()
    assert world.link_of(cco).is_active
    [event] = LinkEvent.objects.filter(kind="CHECKED")
    assert event.evidence["ccos"] == [cco.pk]
    assert len(world.events(kind="PRESENCE_CHANGED")) == 1


def test_a_silent_sage_is_amber_and_leaves_the_row_as_old_as_it_was(world: World) -> None:
    cco = world.synced_cco()
    before = world.link_of(cco).presence_checked_at
    client = browser(world)
    world.sage.set_fault("offline")

    answer = client.post(address(world, "check", cco.pk), headers=HTMX)

    assert answer.status_code == 503
    assert "message-warning" in answer.content.decode()
    assert world.link_of(cco).presence_checked_at == before


def test_live_rows_say_what_is_stored_and_nothing_of_others(world: World) -> None:
    cco, client = world.synced_cco(), browser(world)
    client.post(address(world, "check", cco.pk), headers=HTMX)
    theirs = factories.ChangeOrderFactory.create()

    shown: dict[str, Any] = {"shown": [cco.pk, theirs.pk, "x"]}

    answer = client.get(address(world, "live-rows"), shown, headers=HTMX)

    assert answer.content.decode().count("innerHTML:#said-") == 1
    assert 'data-says="present"' in answer.content.decode()


def test_an_open_page_that_knows_it_all_is_told_nothing_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_updates, "AGE_STEP", timedelta(days=36_500))
    cco, client = world.synced_cco(), browser(world)

    def look(known: str) -> tuple[int, str, int]:
        with CaptureQueriesContext(connection) as queries:
            shown: dict[str, Any] = {"shown": cco.pk, "known": known}
            answer = client.get(address(world, "live-rows"), shown, headers=HTMX)
        told = re.search(r'name="known" value="(\w+)"', answer.content.decode())
        return answer.status_code, told[1] if told else "", len(queries)

    _, known, queries_of_all = look("")
    assert look("what nobody was told")[:2] == (200, known)
    for happens in ("nothing", "deleted", "offline"):
        status, told, queries = look(known)
        assert (status, told) == (204, "")
        assert queries < queries_of_all - 1
        if happens == "deleted":
            world.delete_in_sage(cco)
        elif happens == "offline":
            world.sage.set_fault("offline")
        run(world)  # where nothing happened, it dates the rows
        status, told, _ = look(known)
        assert status == 200
        assert told not in ("", known)
        known = told
    now = database_now()
    states = {
        live_updates.page_etag(world.company, world.fresh_connection(), now + timedelta(days=d))
        for d in (0, 36_501)
    }
    assert len(states) == 2, "ages grow"


def test_the_most_is_the_same_for_page_and_operation() -> None:
    assert bulk_unlink.MOST_AT_ONCE == 10_000
