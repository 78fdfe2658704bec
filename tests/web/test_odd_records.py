"""One odd record of each kind in a company of a thousand links, and every page of it."""

import sqlite3
from contextlib import closing

import pytest
from django.test import Client
from django.urls import reverse

from commitments.models import CommitmentChangeOrder
from companies.models import Level
from erp_integrations.models import ChangeOrderLink, ReconcileRun, ReconcileState
from erp_integrations.reconciliation import diff
from tests import sendable
from tests.commands.terminal import run as command
from tests.domain.test_odd_records import ODD, assert_answered, named, spoil
from tests.domain.test_reconciling import run
from tests.odd import damage
from tests.sendable import approved_cco, tied_commitment
from tests.web.many import many_synced
from tests.web.pages import page_of
from tests.web.people import browser_of
from tests.world import World

LINKS = 1_000
CONNECTION = "/companies/harbor-point/erp-integrations/connection/"


def key_in_all(world: World) -> None:
    """A record in Sage for every link, with a line on its subcontract, as it was linked."""
    template = world.scenarios["plain-01"].record_number
    links = ChangeOrderLink.objects.values_list(
        *("record_number", "row_id", "number", "job_record_number", "phase", "subcontract_record_number"),
        "erp_amount",
    )
    with closing(sqlite3.connect(world.place / "company.sqlite")) as books:
        for table in ("prmchg", "sbcgln"):
            taken = "CREATE TEMP TABLE one AS SELECT * FROM {0} WHERE recnum = ? LIMIT 1"
            books.execute(taken.format(table), (template,))
            for record, row_id, number, job, phase, subcontract, amount in links:
                change = "UPDATE one SET recnum = ?, _idnum = ?, chgnum = ?"
                idnum = str(row_id).upper()
                if table == "prmchg":
                    books.execute(f"{change}, jobnum = ?, phsnum = ?", (record, idnum, number, job, phase))
                else:
                    more = (subcontract, str(amount))
                    books.execute(f"{change}, vndctc = ?, bdgprc = ?", (record, idnum, number, *more))
                books.execute(f"INSERT INTO {table} SELECT * FROM one")
            books.execute("DROP TABLE one")
        books.commit()


def spoil_one_of_each_kind(world: World) -> dict[str, tuple[str, str, str]]:
    """By the record that is spoilt: table, column, and what stands there."""
    spoilt = {}
    for at, ((table, change), (column, shown)) in enumerate(ODD.items()):
        record = str(90_010 + 7 * at)
        spoil(world, table, record, change)
        spoilt[record] = (table, column, shown.format(record=record))
    return spoilt


@pytest.fixture
def sage_of_a_thousand(world: World) -> list[CommitmentChangeOrder]:
    commitment = tied_commitment(world)
    [job_link] = commitment.project.erp_links.all()
    ccos = many_synced(world, LINKS, commitments=[commitment], job_row_id=job_link.row_id)
    key_in_all(world)
    return ccos


def test_a_thousand_links_with_one_odd_record_of_each_kind(
    world: World, sage_of_a_thousand: list[CommitmentChangeOrder]
) -> None:
    assert run(world).present == LINKS
    same_job = approved_cco(world.company.projects.get().commitments.get(), number="A-1")
    other_job = approved_cco(
        tied_commitment(
            world,
            next(one for one in world.books.subcontracts if one.job_record_number != "2611" and one.lines),
        ),
        number="A-2",
    )
    approver = world.person(erp_integrations=Level.ADMIN)
    for cco in (same_job, other_job):
        sendable.send(world, cco, by=approver)
    spoilt = spoil_one_of_each_kind(world)
    damage(world.place, "UPDATE actrec SET _idnum = NULL WHERE recnum = (SELECT MAX(recnum) FROM actrec)")

    made = run(world)

    assert made.state == ReconcileState.COMPLETE
    assert made.checked == LINKS
    assert made.absent == 0
    of_headers = {
        record for record, (table, column, _) in spoilt.items() if table == "prmchg" or column == "vndctc"
    }
    not_sure = ChangeOrderLink.objects.exclude(presence="present").values_list("record_number", flat=True)
    assert set(not_sure) == of_headers
    assert made.present >= LINKS - len(of_headers)
    assert made.odd == len(spoilt) + 1
    for record, (table, column, shown) in spoilt.items():
        assert (table, "" if column == "recnum" else record, column, shown) in named(made)
    assert_answered(world)

    client = browser_of(approver)
    company = world.company.slug
    pages = [
        reverse("company-home", args=[company]),
        *(reverse(name, args=[company]) for name in ("change-orders", "connection", "activity")),
        *(reverse("accept", args=[company, cco.pk]) for cco in (same_job, other_job)),
        *(reverse(name, args=[company]) for name in ("erp-commitments", "erp-jobs", "erp-vendors")),
    ]
    assert {page: client.get(page).status_code for page in pages} == dict.fromkeys(pages, 200)
    told = page_of(client.get(reverse("accept", args=[company, same_job.pk]))).one("#odd").text
    assert "prmchg, record" in told
    home = page_of(client.get(pages[0])).one("#main").text
    assert "could not be asked" not in home


def odd_rows(client: Client) -> list[str]:
    return [row.text for row in page_of(client.get(CONNECTION)).one("#odd-records").all("tr")[1:]]


@pytest.mark.parametrize(
    ("change", "column", "shown"),
    [
        ("status = 7", "status", "7"),
        (f"chgnum = '{'9' * 24}'", "chgnum", "9" * 24),
        ("_idnum = NULL", "_idnum", "NULL"),
    ],
)
def test_the_connection_page_and_the_command_name_an_odd_record_on_a_job_nobody_linked(
    world: World, change: str, column: str, shown: str
) -> None:
    world.synced_cco()
    client = browser_of(world.person())
    job = ChangeOrderLink.objects.get().job_record_number
    with closing(sqlite3.connect(world.place / "company.sqlite")) as books:
        [(record,)] = books.execute(
            "SELECT recnum FROM prmchg WHERE jobnum <> ? ORDER BY recnum LIMIT 1", (job,)
        ).fetchall()
    spoil(world, "prmchg", record, change)

    ran = command("reconcile", "harbor-point")
    as_json = command("reconcile", "harbor-point", "--json")

    assert ran.code == as_json.code == 0
    assert "harbor-point: complete; 1 checked, 1 present" in ran.out
    assert "Records Plumbline cannot read: 1" in ran.out
    assert f"prmchg, record {record}, column {column}: " in ran.out
    assert as_json.lines[0]["odd"] == 1
    assert as_json.lines[0]["odd_records"][0]["record_number"] == str(record)
    [row] = odd_rows(client)
    assert all(part in row for part in ("prmchg", str(record), column, shown))
    page = page_of(client.get(CONNECTION)).one("#main").text
    assert "The Sage administrator can correct the value" in page
    assert "No answer" not in page
    home = page_of(client.get(reverse("company-home", args=["harbor-point"]))).one("#main").text
    assert "could not be asked" not in home


def test_without_an_odd_record_nothing_is_said_of_any(world: World) -> None:
    run(world)
    page = page_of(browser_of(world.person()).get(CONNECTION))
    assert page.all("#odd-records") == []
    assert "cannot read" not in page.one("#main").text
    assert "cannot read" not in command("reconcile", "harbor-point").out


def test_of_many_odd_records_the_first_are_shown_and_the_count_of_all(world: World) -> None:
    damage(world.place, "UPDATE prmchg SET status = 9")
    made = run(world)
    client = browser_of(world.person())

    assert made.odd > len(odd_rows(client)) == diff.ODD_KEPT
    assert f"found {made.odd:,} records" in page_of(client.get(CONNECTION)).one("#main").text


def test_what_stands_in_an_odd_record_is_shown_and_never_obeyed(world: World) -> None:
    nasty = "<script>alert(1)</script>"
    damage(world.place, f"UPDATE prmchg SET chgnum = '{nasty}' WHERE recnum = 701")
    run(world)

    answer = browser_of(world.person()).get(CONNECTION)

    assert nasty not in answer.content.decode()
    assert nasty in page_of(answer).one("#odd-records").text


def test_a_failed_run_keeps_what_the_last_complete_one_could_not_read(world: World) -> None:
    damage(world.place, "UPDATE prmchg SET status = 9 WHERE recnum = 701")
    run(world)
    world.sage.set_fault("offline")
    for _ in range(9):
        run(world)

    assert len(odd_rows(browser_of(world.person()))) == 1
    assert ReconcileRun.objects.filter(odd=1).count() == 1


def test_the_number_of_an_odd_record_stops_the_accept_page_and_says_why(world: World) -> None:
    stranger = world.sage.change_order(world.scenarios["present"].record_number)
    cco = approved_cco(tied_commitment(world), number=stranger.number)
    approver = world.person()
    sendable.send(world, cco, by=approver)
    spoil(world, "prmchg", stranger.record_number, "status = 9")

    page = page_of(browser_of(approver).get(reverse("accept", args=["harbor-point", cco.pk])))

    assert f"prmchg, record {stranger.record_number}, column status: 9" in page.one("#odd").text
    assert "a record that cannot be read carries it on this job" in page.one("#main").text
    assert "Accept as change number" not in page.one("#main").text
