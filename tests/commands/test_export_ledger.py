"""manage.py export_ledger: a period of both books on standard output."""

import csv
import io

import pytest

from erp_integrations.ledger import file_rows
from tests.commands.terminal import manage, run
from tests.ledger import NOON, directory_event, link_event
from tests.world import World

PERIOD = ("--from", "2026-03-02", "--to", "2026-03-02")


def test_a_period_of_one_company_or_of_all_in_both_forms(world: World) -> None:
    mine, changed = link_event(world), directory_event(world, company_id=0, company_slug="gone")

    of_one = run("export_ledger", "--company", "harbor-point", *PERIOD, "--format", "jsonl")
    of_all = run("export_ledger", *PERIOD, "--json")
    as_csv = run("export_ledger", *PERIOD)

    assert [line["event"] for line in of_one.lines] == [f"link-{mine.pk}"]
    assert [line["event"] for line in of_all.lines] == [f"directory-{changed.pk}", f"link-{mine.pk}"]
    rows = csv.DictReader(io.StringIO(as_csv.out.removeprefix("\ufeff"), newline=""))
    assert [row["company"] for row in rows] == ["gone", "harbor-point"], "a deleted company's are there too"


def test_wrong_use_writes_nothing(world: World) -> None:
    for words, why in (
        (("--from", "2026-03-02", "--to", "2026-03-01"), "must not end before it begins"),
        (("--company", "nowhere", *PERIOD), "no company 'nowhere'"),
        (("--from", "soon", "--to", "2026-03-01"), "'soon' is no day"),
        (("--from", "2026-03-02"), "--to"),
    ):
        ran = run("export_ledger", *words)
        assert ran.code
        assert why in ran.err
        assert not ran.out


def test_a_file_that_is_not_complete_is_no_success(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    link_event(world)
    monkeypatch.setattr(file_rows, "_row", lambda _: 1 / 0)

    ran = run("export_ledger", *PERIOD)

    assert ran.code == 1
    assert ran.out.splitlines()[-1] == ran.err == file_rows.NOT_COMPLETE


def test_it_runs_as_a_shell_would_run_it(committed_world: World) -> None:
    event = link_event(committed_world, NOON, reason="=1+1")

    ran = manage("export_ledger", *PERIOD, "--format", "jsonl")

    assert (ran.code, [line["event"] for line in ran.lines]) == (0, [f"link-{event.pk}"])
    assert manage("export_ledger", "--from", "x", "--to", "y").code == 2
