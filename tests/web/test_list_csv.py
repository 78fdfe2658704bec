"""The list as a file: everything the view shows, nothing a spreadsheet runs, nothing missing in silence."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from commitments.models import ErpStatus
from erp_integrations.change_orders import csv_rows, csv_views
from erp_integrations.models import ChangeOrderLink
from tests.web.many import commitments_in_projects, many_synced
from tests.web.people import browser_of
from tests.web.varied import varied_links
from tests.world import World


def rows_of(client: Client, world: World, query: str = "") -> list[list[str]]:
    answer = client.get(reverse("change-orders-csv", args=[world.company.slug]) + query)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="harbor-point-')
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_the_file_holds_what_the_view_shows_all_pages_in_its_order(world: World) -> None:
    links = varied_links(world, 60)
    client = browser_of(world.person())

    head, *rows = rows_of(client, world, "?sort=-amount&presence=present")

    wanted = [link for link in links if link.presence == "present"]
    wanted.sort(key=lambda link: (link.cco_amount, link.pk), reverse=True)
    assert [row[head.index("Title")] for row in rows] == [link.cco_title for link in wanted]
    first = dict(zip(head, rows[0], strict=True))
    assert first["Amount"] == f"{wanted[0].cco_amount:.2f}"
    assert first["Sage record"] == wanted[0].record_number
    assert first["Linked by"] == wanted[0].linked_by_name
    assert first["Sage says"] == "Present"
    assert first["Said at"].startswith("2026-03-02T07:00:00")
    assert len(rows_of(client, world)) == 61


def test_nothing_in_it_is_run_by_a_spreadsheet(world: World) -> None:
    many_synced(world, 1, commitments=[world.commitment])
    ChangeOrderLink.objects.update(cco_title="=HYPERLINK(1)", contract_company='@SUM("a")\n2', number="-4")

    head, row = rows_of(browser_of(world.person()), world)

    assert row[head.index("Title")] == "'=HYPERLINK(1)"
    assert row[head.index("Contract company")] == '\'@SUM("a")\n2'
    assert row[head.index("Sage number")] == "-4", "a plain number stays one"


def test_a_waiting_view_has_its_own_columns(world: World) -> None:
    cco = world.free_cco(erp_status=ErpStatus.REJECTED, amount="-3150.00")
    client = browser_of(world.person())

    head, row = rows_of(client, world, "?view=rejected")
    assert head[:6] == ["Project", "Commitment", "Contract company", "CCO", "Title", "Amount"]
    assert head[6:] == ["Rejected", "Reason"]
    assert row[:6] == [
        "Harbor Tower",
        str(cco.commitment),
        cco.commitment.vendor.name,
        cco.number,
        cco.title,
        "-3150.00",
    ]
    assert rows_of(client, world, "?view=exporting") == [
        ["Project", "Commitment", "Contract company", "CCO", "Title", "Amount"]
    ]


def test_a_failure_in_the_middle_can_be_seen_in_the_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_synced(world, 4, commitments=[world.commitment])
    monkeypatch.setattr(csv_rows, "AT_ONCE", 2)
    whole = csv_rows._link
    written = []

    def fails_at_the_third(link: Any, *others: Any) -> list[str]:
        written.append(link)
        if len(written) > 2:
            raise RuntimeError("the database went away")
        return whole(link, *others)

    monkeypatch.setattr(csv_rows, "_link", fails_at_the_third)
    head, *rows = rows_of(browser_of(world.person()), world)

    assert head[0] == "Project number"
    assert [row[6] for row in rows[:2]] == ["Row 1", "Row 2"]
    assert rows[2:] == [[csv_views.NOT_COMPLETE]]


def test_it_is_read_bit_by_bit_from_one_cursor(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is linked while somebody loads the file is not in it: it is of one moment."""
    monkeypatch.setattr(csv_rows, "AT_ONCE", 2)
    with transaction.atomic():
        many_synced(committed_world, 6, commitments=commitments_in_projects(committed_world, 1))
    client = browser_of(committed_world.person())
    with CaptureQueriesContext(connection) as before:
        answer = client.get(reverse("change-orders-csv", args=["harbor-point"]))
        parts: Iterator[bytes] = iter(answer.streaming_content)  # type: ignore[attr-defined]
        assert next(parts) == "\ufeff".encode()
        assert next(parts).startswith(b"Project number,")
    assert not any('"cco_title"' in query["sql"] for query in before.captured_queries), (
        "the head waits for no row"
    )

    chunk = next(parts)
    ChangeOrderLink.objects.filter(cco_title="Row 6").update(cco_title="Renamed")
    rest = b"".join(parts)

    assert chunk.count(b"\r\n") == 2
    assert b"Row 6" in rest
    assert b"Renamed" not in rest
