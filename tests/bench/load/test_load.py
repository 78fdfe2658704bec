"""bin/bench --load: many synced CCOs, and the sandbox company that belongs to them."""

import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django import Settings

from commitments.models import CommitmentChangeOrder
from companies.demo_people import DEMO_PEOPLE
from companies.models import Company
from erp_integrations.erp import registry
from erp_integrations.models import ChangeOrderLink, Connection
from erp_integrations.ports import ChangeOrderKeys, Deadline, NoSuchRecord, SubcontractChangeKeys
from tests.bench.load import __main__ as command
from tests.bench.load import load_company
from tests.bench.load.company_data import COMMON_WORD, RARE_TITLES, RARE_WORD
from tests.commands.terminal import run
from tests.invariants import assert_promise_kept

LINKS, MISSING = 240, 5


@pytest.fixture
def scale(
    transactional_db: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Company:
    settings.SANDBOX_FOLDER = tmp_path
    settings.DEMO = True
    monkeypatch.setattr(load_company, "BATCH", 100)
    assert _load("--load", "wide", "--links", str(LINKS), "--missing", str(MISSING)) == 0
    return Company.objects.get(slug="wide")


def test_every_cco_is_synced_and_what_is_missing_is_gone_from_sage_and_nothing_else(scale: Company) -> None:
    links = ChangeOrderLink.objects.filter(connection__company=scale, unlinked_at=None)
    assert links.count() == LINKS
    assert CommitmentChangeOrder.objects.filter(commitment__project__company=scale).count() == LINKS
    assert_promise_kept(company_id=scale.pk)

    connection = Connection.objects.get(company=scale)
    assert connection.accepted_incarnation
    reader = registry.reader_for(registry.spec_of(connection))
    with reader.stream_keys(deadline=Deadline.after(30)) as keys:
        headers: dict[str, ChangeOrderKeys] = {}
        amounts: dict[tuple[str, str], SubcontractChangeKeys] = {}
        for block in keys.blocks:
            headers |= {one.record_number: one for one in block.change_orders}
            amounts |= {(one.record_number, one.subcontract_record_number): one for one in block.lines}
        jobs = keys.jobs
    gone = []
    for link in links:
        header = headers.get(link.record_number)
        if header is None:
            gone.append(link)
            continue
        line = amounts[link.record_number, link.subcontract_record_number]
        assert header.row_id == link.row_id
        assert (header.number, header.job_record_number, header.phase, header.status) == (
            link.number,
            link.job_record_number,
            link.phase,
            "Approved",
        )
        assert jobs[link.job_record_number] == str(link.job_row_id).upper()
        assert (line.amount, line.number) == (link.erp_amount, link.sub_change_number)
    assert len(gone) == LINKS * MISSING // 100
    assert len(headers) == LINKS - len(gone)


def test_a_link_that_sage_has_lost_is_unlinked_with_who_deleted_it(scale: Company) -> None:
    gone = next(one for one in _links(scale) if one.record_number not in _records(scale))
    there = next(one for one in _links(scale) if one.record_number in _records(scale))
    ran = run("unlink", "wide", str(gone.change_order_id), "--as", "approver", "--json")
    assert (ran.code, ran.lines[0]["verdict"]) == (0, "absent")
    assert ran.lines[0]["evidence"]["deletion"]["user"] == "ACCT2"
    ran = run("unlink", "wide", str(there.change_order_id), "--as", "approver", "--json")
    assert (ran.code, ran.lines[0]["verdict"]) == (1, "present")


def test_titles_have_a_word_that_most_have_and_one_that_a_handful_has(scale: Company) -> None:
    titles = [link.cco_title.lower() for link in _links(scale)]
    assert sum(RARE_WORD in title for title in titles) == RARE_TITLES
    assert sum(COMMON_WORD in title for title in titles) > LINKS / 2
    assert len(set(titles)) > LINKS / 2
    assert len({link.project_number for link in _links(scale)}) == LINKS // 10
    assert len({link.linked_by_name for link in _links(scale)}) == 2
    assert sum(link.erp_amount for link in _links(scale)) > Decimal(0)


def test_the_people_of_the_demo_may_sign_in_here_too(scale: Company) -> None:
    assert set(scale.memberships.values_list("user__username", flat=True)) == {
        person.username for person in DEMO_PEOPLE if person.company == "harbor-point"
    }
    approver = scale.memberships.get(user__username="approver")
    assert approver.project_levels.count() == scale.projects.count()


def test_the_practice_company_goes_on_as_any_other(scale: Company, tmp_path: Path) -> None:
    practice = registry.sandbox_at(tmp_path / "wide")
    assert practice.company().name == Connection.objects.get(company=scale).database
    first = next(one for one in _links(scale) if one.record_number in _records(scale))
    practice.delete(first.record_number, user="ACCT1")
    practice.restore(first.record_number, user="ACCT1")
    with closing(sqlite3.connect(tmp_path / "wide" / "company.sqlite")) as books:
        assert books.execute("SELECT COUNT(*) FROM subcon WHERE chgttl <> 0").fetchone()[0] > 0
    with pytest.raises(NoSuchRecord, match="no backup"):
        practice.restore_backup()


def test_a_company_that_is_there_is_left_alone_and_wrong_use_is_said(
    scale: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (tmp_path / "wide" / "company.sqlite").read_bytes()
    assert _load("--links", "10", "--load", "wide") == 1
    assert "Choose another slug" in capsys.readouterr().err
    assert (tmp_path / "wide" / "company.sqlite").read_bytes() == before
    for wrong in (
        ["--load", "more", "--links", "0"],
        ["--load", "more", "--links", "10", "--missing", "101"],
        ["--links", "10", "--load", "../x"],
    ):
        with pytest.raises(SystemExit) as refused:
            _load(*wrong)
        assert refused.value.code == 2
    assert Company.objects.count() == 1


def test_without_the_demo_nobody_is_let_in(
    transactional_db: None, settings: Settings, tmp_path: Path
) -> None:
    settings.SANDBOX_FOLDER = tmp_path
    settings.DEMO = False
    said = tmp_path / "loaded.json"
    assert _load("--links", "3", "--load", "small", "--json", str(said)) == 0
    assert json.loads(said.read_text())["links"] == 3
    assert not Company.objects.get(slug="small").memberships.exists()


def _load(*arguments: str) -> int:
    return command.run(command.parse(list(arguments)))


def _links(company: Company) -> list[ChangeOrderLink]:
    return list(ChangeOrderLink.objects.filter(connection__company=company).order_by("id"))


def _records(company: Company) -> set[str]:
    practice = registry.sandbox_at(Path(Connection.objects.get(company=company).sandbox_path))
    return {one.record_number for one in practice.change_orders()}
