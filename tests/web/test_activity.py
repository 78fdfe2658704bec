"""The Activity tab: the ledger for the company's own people, and the same as a file."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from companies.models import Level
from erp_integrations.ledger import file_rows
from erp_integrations.reconciliation.reconcile import reconcile
from erp_integrations.workflow.errors import StillInErp
from tests.ledger import NOON, directory_event, link_event, link_events
from tests.web.pages import Element, page_of
from tests.web.people import browser_of
from tests.web.test_list_filters import chips_on, notes_on
from tests.world import LINKER, World


def address(world: World, query: str = "") -> str:
    return reverse("activity", args=[world.company.slug]) + query


def opened(client: Client, world: World, query: str = "") -> Element:
    return page_of(client.get(address(world, query)))


def events_on(page: Element) -> list[str]:
    return [row["id"].removeprefix("event-") for row in page.all("tr") if row.get("id")]


def file_of(client: Client, world: World, form: str, query: str = "") -> bytes:
    answer = client.get(reverse(f"activity-{form}", args=[world.company.slug]) + query)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].endswith(f'.{form}"')
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]


def lines_of(client: Client, world: World, query: str = "") -> list[dict[str, Any]]:
    return [json.loads(line) for line in file_of(client, world, "jsonl", query).splitlines()]


def rows_of(client: Client, world: World, query: str = "") -> list[dict[str, str]]:
    text = file_of(client, world, "csv", query).decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


# --- what outlives what --------------------------------------------------------------------------


def test_every_event_outlives_the_cco_the_person_and_the_project(world: World) -> None:
    cco = world.synced_cco()
    approver, reader = world.person(), browser_of(world.person("reader", directory=Level.READ_ONLY))
    with pytest.raises(StillInErp):
        world.unlink(cco, by=approver)
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)
    directory_event(world, person_id=approver.pk, person_name="approver")
    on_page, in_file = events_on(opened(reader, world)), lines_of(reader, world)
    [unlinked] = world.events(kind="UNLINKED")
    assert opened(reader, world).one(f"#event-link-{unlinked.pk}").all("a")[0].text == unlinked.subject_label

    cco.delete()
    world.commitment.delete()
    world.project.delete()
    approver.delete()

    page = opened(reader, world)
    assert events_on(page) == on_page
    assert lines_of(reader, world) == in_file
    row = page.one(f"#event-link-{unlinked.pk}")
    assert [link.text for link in row.all("a")] == [
        text for text in row.texts("a") if text.startswith("Evidence")
    ], "what was deleted has no page to lead to"
    whole = page_of(reader.get(row.one("a")["href"])).text
    for words in ("approver", unlinked.subject_label, "Can Push to Accounting", "ACCT2", "not-found-twice"):
        assert words in whole
    assert events_on(opened(reader, world, f"?project={unlinked.project_number}&outcome=unlinked")) == [
        f"link-{unlinked.pk}"
    ], "a deleted project is still one to filter by"


# --- who sees what -------------------------------------------------------------------------------


def test_the_directorys_events_are_for_those_who_may_see_the_directory(world: World) -> None:
    event = directory_event(world)
    detail = reverse("activity-event", args=[world.company.slug, f"directory-{event.pk}"])
    with_it = browser_of(world.person("with", directory=Level.READ_ONLY))
    without = browser_of(world.person("without"))

    page = opened(with_it, world)
    assert f"directory-{event.pk}" in events_on(page)
    assert "ERP Integrations: None → Admin" in page.text
    assert with_it.get(detail).status_code == 200
    assert [line["event"] for line in lines_of(with_it, world, "?kind=LEVEL_CHANGED")] == [
        f"directory-{event.pk}"
    ]

    page = opened(without, world)
    assert "Analyst" not in page.text
    assert notes_on(opened(without, world, "?person=company-admin")) == [
        "No person called “company-admin” is in the ledger. That filter was not used."
    ]
    assert "company-admin" not in page.text, "nor among the people to choose from"
    assert "Level changed" not in page.text
    assert without.get(detail).status_code == 404
    assert "company-admin" not in file_of(without, world, "csv").decode()
    assert notes_on(opened(without, world, "?kind=LEVEL_CHANGED")) == [
        "The filter Event cannot be “LEVEL_CHANGED” and was not used."
    ]
    assert notes_on(opened(without, world, f"?after=directory-{event.pk}")) == [
        "That page of the list is not known. This is the first one."
    ]


def test_another_companys_event_is_not_found(world: World) -> None:
    theirs = link_event(world, company_id=world.company.pk + 1, actor_name="somebody else's")
    client = browser_of(world.person())

    detail = reverse("activity-event", args=[world.company.slug, f"link-{theirs.pk}"])
    assert client.get(detail).status_code == 404
    assert f"link-{theirs.pk}" not in events_on(opened(client, world))
    assert "somebody else's" not in file_of(client, world, "jsonl").decode()


# --- filters -------------------------------------------------------------------------------------


CHOICES: list[tuple[str, list[str]]] = [
    ("?kind=SENT", ["sent"]),
    ("?outcome=refused", ["refused"]),
    ("?outcome=no-answer&person=Plumbline", ["silent"]),
    ("?outcome=other&kind=SENT", ["sent"]),
    ("?outcome=refused&kind=SENT", []),
    ("?project=harbor+tower", ["refused"]),
    ("?person=approver&at_from=2026-03-03", ["sent"]),
    ("?at_to=2026-03-01", ["refused"]),
]


def test_the_filters_choose(world: World) -> None:
    assert world.project.number == "2611"
    at_start = {f"link-{event.pk}" for event in world.events()}
    told = {
        "sent": link_event(world, NOON + timedelta(days=1), kind="SENT"),
        "silent": link_event(world, kind="NO_ANSWER", actor_name="Plumbline"),
        "refused": link_event(world, NOON - timedelta(days=1), kind="STILL_IN_ERP", project_number="2611"),
    }
    client, names = browser_of(world.person()), {f"link-{event.pk}": name for name, event in told.items()}

    chosen = {
        query: [names[one] for one in events_on(opened(client, world, query)) if one not in at_start]
        for query, _ in CHOICES
    }

    assert chosen == dict(CHOICES)


def test_what_is_in_force_is_shown_goes_one_by_one_and_is_in_the_file(world: World) -> None:
    event = link_event(world, kind="STILL_IN_ERP")
    link_event(world)
    client = browser_of(world.person())

    page = opened(client, world, "?outcome=refused&person=approver&at_from=2026-03-01")

    chips = chips_on(page)
    assert list(chips) == ["Outcome Refused, remove", "By approver, remove", "From Mar 1, 2026, remove"]
    assert chips["Outcome Refused, remove"].endswith("activity/?person=approver&at_from=2026-03-01")
    [to_csv, to_json_lines] = [link["href"] for link in page.all("a.export-csv")]
    assert to_csv.endswith("activity.csv?outcome=refused&person=approver&at_from=2026-03-01")
    [line] = b"".join(client.get(to_json_lines).streaming_content).splitlines()  # type: ignore[attr-defined]
    assert json.loads(line)["event"] == f"link-{event.pk}"


NONSENSE = [
    ("?kind=%3Cscript%3E", "The filter Event cannot be “<script>” and was not used."),
    ("?outcome=luck", "The filter Outcome cannot be “luck” and was not used."),
    ("?person=Nobody", "No person called “Nobody” is in the ledger. That filter was not used."),
    ("?project=nowhere", "No project is called “nowhere”. That filter was not used."),
    ("?at_from=0001-01-01", "The filter From cannot be “0001-01-01” and was not used."),
    ("?at_to=soon", "The filter To cannot be “soon” and was not used."),
    ("?at_from=2026-03-02&at_to=2026-03-01", "From is later than To. Neither was used."),
    ("?after=link-999999999", "That page of the list is not known. This is the first one."),
    ("?before=1", "That page of the list is not known. This is the first one."),
    ("?count=few", "The events cannot be counted as “few”."),
    ("?colour=red", "The list knows nothing of “colour”; that was not used."),
]


def test_what_cannot_be_is_not_used_and_said(world: World) -> None:
    event, client = link_event(world), browser_of(world.person())
    pages = {query: opened(client, world, query) for query, _ in NONSENSE}

    assert {query: notes_on(page) for query, page in pages.items()} == {
        query: [note] for query, note in NONSENSE
    }
    assert all(f"link-{event.pk}" in events_on(page) for page in pages.values())


# --- one page ------------------------------------------------------------------------------------


def test_fifty_events_cost_as_many_queries_as_one(world: World) -> None:
    client = browser_of(world.person(directory=Level.READ_ONLY))
    counts = []
    for more in (1, 30):
        for _ in range(more):
            directory_event(world)
        link_events(world, more, subject_id=world.free_cco().pk)
        with CaptureQueriesContext(connection) as asked:
            page = opened(client, world)
        counts.append(len(asked))
    assert len(events_on(page)) == 50
    assert counts[0] == counts[1] <= 13, counts


def test_an_event_shows_its_evidence_for_people_and_whole(world: World) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    link = world.link_of(cco)
    world.unlink(cco, by=world.person())
    [event] = world.events(kind="UNLINKED")

    page = page_of(
        browser_of(world.person("reader")).get(
            reverse("activity-event", args=[world.company.slug, f"link-{event.pk}"])
        )
    )

    facts = dict(zip(page.texts("dt"), page.texts("dd"), strict=True))
    assert facts["Rights used"] == event.rights
    assert facts["Sage record"] == link.record_number
    assert facts["Row id in Sage"] == str(link.row_id).upper()
    assert facts["Verdict"] == "Deleted"
    assert "by ACCT2" in facts["Deleted in Sage"]
    assert json.loads(page.one("pre").text) == event.evidence


def test_evidence_of_every_kind_can_be_opened(world: World) -> None:
    cco, client = world.synced_cco(), browser_of(world.person())
    world.delete_in_sage(cco)
    reconcile(connection_id=world.connection.pk, actor=LINKER)
    link_event(world, kind="RECONCILE_SET", evidence={"before": {"rests_to": ""}, "after": {"rests_to": "5"}})
    link_event(world, kind="CHECKED", evidence={"ccos": [1], "verdicts": {"absent": 1}})
    told = world.events()
    assert {event.kind for event in told} >= {"CONNECTION_SET", "CONNECTION_CHECKED", "PRESENCE_CHANGED"}

    for event in told:
        url = reverse("activity-event", args=[world.company.slug, f"link-{event.pk}"])
        assert client.get(url).status_code == 200, event.kind


# --- files ---------------------------------------------------------------------------------------


def test_a_file_holds_both_books_merged_by_time_with_all_columns(world: World) -> None:
    client = browser_of(world.person(directory=Level.READ_ONLY))
    later = link_event(world, NOON + timedelta(seconds=1), evidence={"a": ["ü", None, 1]}, request_id="r-1")
    middle = directory_event(world, reason="As agreed")
    first = link_event(world, NOON - timedelta(microseconds=1))

    lines, rows = (lines_of(client, world, "?at_to=2026-03-02"), rows_of(client, world, "?at_to=2026-03-02"))

    assert [line["event"] for line in lines] == [
        f"link-{first.pk}",
        f"directory-{middle.pk}",
        f"link-{later.pk}",
    ]
    assert [row["event"] for row in rows] == [line["event"] for line in lines]
    assert list(rows[0]) == list(lines[0]) == list(file_rows.COLUMNS)
    assert lines[0]["at"] == "2026-03-02T11:59:59.999999+00:00"
    assert (lines[1]["subject"], lines[1]["reason"], lines[1]["kind_in_words"]) == (
        "Analyst",
        "As agreed",
        "Level changed",
    )
    assert lines[1]["evidence"] == {
        "person_id": 7,
        "what": "ERP Integrations",
        "before": "None",
        "after": "Admin",
    }
    assert lines[2]["evidence"] == json.loads(rows[2]["evidence"]) == {"a": ["ü", None, 1]}
    assert (lines[2]["company"], lines[2]["request_id"]) == ("harbor-point", "r-1")


def test_what_a_spreadsheet_would_run_is_words_in_csv_and_exact_in_json_lines(world: World) -> None:
    typed = '=HYPERLINK("http://x")\u2028\r\nsecond'
    link_event(world, reason=typed, actor_name="@SUM(1)")
    client = browser_of(world.person())

    [row] = rows_of(client, world, "?at_to=2026-03-02")
    [line] = lines_of(client, world, "?at_to=2026-03-02")

    assert (row["reason"], row["actor_name"]) == (f"'{typed}", "'@SUM(1)")
    assert (line["reason"], line["actor_name"]) == (typed, "@SUM(1)")


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_file_that_could_not_be_completed_says_so_in_its_last_row(
    world: World, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    link_events(world, 3)
    monkeypatch.setattr(file_rows, "AT_ONCE", 2)
    whole, written = file_rows._row, []

    def fails_at_the_third(event: dict[str, Any]) -> dict[str, Any]:
        written.append(event)
        if len(written) > 2:
            raise RuntimeError("the database went away")
        return whole(event)

    monkeypatch.setattr(file_rows, "_row", fails_at_the_third)
    lines = file_of(browser_of(world.person()), world, form).decode().splitlines()

    assert [file_rows.NOT_COMPLETE in line for line in lines[-3:]] == [False, False, True]


def test_it_is_of_one_moment_and_read_bit_by_bit(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written while somebody loads the file is not in it, in neither book."""
    monkeypatch.setattr(file_rows, "AT_ONCE", 2)
    with transaction.atomic():
        link_events(committed_world, 5)
        directory_event(committed_world)
    client = browser_of(committed_world.person(directory=Level.READ_ONLY))
    answer = client.get(reverse("activity-csv", args=["harbor-point"]) + "?at_to=2026-03-02")
    parts: Iterator[bytes] = iter(answer.streaming_content)  # type: ignore[attr-defined]
    assert next(parts) == "\ufeff".encode()
    assert next(parts).startswith(b"event,at,"), "the head waits for no row"
    with CaptureQueriesContext(connection) as asked:
        chunk = next(parts)
    assert any("REPEATABLE READ, READ ONLY" in query["sql"] for query in asked.captured_queries)
    assert chunk.count(b"\r\n") == 2
    assert b"".join(parts).count(b"\r\n") == 4


def test_nothing_is_offered_where_nothing_matches(world: World) -> None:
    page = opened(browser_of(world.person()), world, "?kind=REJECTED")

    assert not page.all("a.export-csv")
    assert "Nothing matches these filters." in page.text
