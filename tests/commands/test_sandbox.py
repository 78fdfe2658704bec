"""manage.py sandbox: what an accountant does in the practice company, from the shell."""

import pytest

from erp_integrations.connections import connect
from erp_integrations.erp import registry
from tests.commands.terminal import manage, run
from tests.world import LINKER, World


def status_of(world: World, record: str) -> str:
    [found] = [r for r in world.sage.change_orders() if r.record_number == record]
    return "Deleted" if found.deleted else found.status


def test_list_gives_five_fields_for_every_record(world: World) -> None:
    ran = run("sandbox", "list", "harbor-point", "--json")

    assert ran.code == 0
    assert len(ran.lines) == len(world.sage.change_orders())
    assert {tuple(line) for line in ran.lines} == {("recnum", "idnum", "jobnum", "chgnum", "status")}
    present = world.scenarios["present"]
    [line] = [line for line in ran.lines if line["recnum"] == present.record_number]
    assert line["idnum"] == line["idnum"].upper()
    assert line["status"] == "Approved"
    assert present.title in run("sandbox", "list", "harbor-point").out


def test_the_acts_of_the_accountant(world: World) -> None:
    record = world.scenarios["present"].record_number
    for act, status in (
        ("void", "Void"),
        ("restore", "Approved"),
        ("reject", "Rejected"),
        ("delete", "Deleted"),
    ):
        assert run("sandbox", act, "harbor-point", record).code == 0
        assert status_of(world, record) == status
    for status in ("Rejected", "Approved"):  # as it was when it was deleted, then effective again
        assert run("sandbox", "restore", "harbor-point", record).code == 0
        assert status_of(world, record) == status
    assert run("sandbox", "renumber", "harbor-point", record, "77-1").code == 0
    [found] = [r for r in world.sage.change_orders() if r.record_number == record]
    assert found.number.strip() == "77-1"
    run("sandbox", "delete", "harbor-point", record, "--user", "ACCT9")
    [line] = run("sandbox", "recreate", "harbor-point", record, "--json").lines
    assert line["recnum"] != record
    assert status_of(world, line["recnum"]) == "Approved"


def test_the_user_named_is_the_one_sage_remembers(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    run("sandbox", "delete", "harbor-point", world.record_of(cco), "--user", "ACCT9")

    deletion = world.unlink(cco, by=approver).finding.evidence.deletion

    assert deletion is not None
    assert deletion.user == "ACCT9"


def test_a_deleted_record_whose_number_was_given_again_is_named_by_its_row_id(world: World) -> None:
    record = max((r.record_number for r in world.sage.change_orders()), key=int)
    idnum = str(world.sage.change_order(record).row_id).upper()
    run("sandbox", "delete", "harbor-point", record)
    [line] = run("sandbox", "recreate", "harbor-point", record, "--json").lines
    assert line["recnum"] == record

    ran = run("sandbox", "restore", "harbor-point", idnum)
    assert ran.code == 1
    assert f"Record number {record} is taken by another change order now" in ran.err
    assert status_of_row(world, idnum) == "Deleted"

    run("sandbox", "delete", "harbor-point", record)
    assert run("sandbox", "restore", "harbor-point", idnum).code == 0
    assert status_of_row(world, idnum) == "Approved"


def status_of_row(world: World, idnum: str) -> str:
    [found] = [r for r in world.sage.change_orders() if str(r.row_id).upper() == idnum]
    return "Deleted" if found.deleted else found.status


@pytest.mark.parametrize("words", [("archive", "2609"), ("delete-job", "2617")])
def test_a_job_goes_with_all_that_hung_on_it(world: World, words: tuple[str, str]) -> None:
    act, job = words
    assert job in {one.record_number for one in world.sage.company_now().jobs}
    [line] = run("sandbox", act, "harbor-point", job, "--json").lines
    assert line == {"act": act, "jobnum": job}
    after = world.sage.company_now()
    assert job not in {one.record_number for one in after.jobs}
    assert job not in {one.job_record_number for one in after.change_orders}


def test_archiving_is_told_by_history_unless_it_is_not_wanted(world: World) -> None:
    run("sandbox", "purge-history", "harbor-point", "--days", "0")
    run("sandbox", "archive", "harbor-point", "2609", "--without-history")
    assert run("sandbox", "purge-history", "harbor-point", "--days", "0", "--json").lines[0]["entries"] == 0
    run("sandbox", "archive", "harbor-point", "2608")
    assert run("sandbox", "purge-history", "harbor-point", "--days", "0", "--json").lines[0]["entries"] == 4


def test_history_is_purged_by_age(world: World) -> None:
    assert run("sandbox", "purge-history", "harbor-point", "--json").lines == [
        {"act": "purge-history", "entries": 0}
    ]
    [some] = run("sandbox", "purge-history", "harbor-point", "--days", "40", "--json").lines
    [rest] = run("sandbox", "purge-history", "harbor-point", "--days", "0", "--json").lines
    assert some["entries"] > 0
    assert rest["entries"] > 0


def test_restore_backup_makes_it_another_database(world: World) -> None:
    assert run("sandbox", "restore-backup", "harbor-point").code == 0

    assert not connect.check_connection(connection_id=world.connection.pk, actor=LINKER).accepted


def test_every_fault_can_be_switched_on_and_off(world: World) -> None:
    for fault in world.sage.faults():
        name = "slow:2" if fault.startswith("slow") else fault
        assert run("sandbox", "fault", "harbor-point", name).code == 0
        assert world.sage.fault() == name
    assert world.sage.fault() == "none"
    assert "fault: none" in run("sandbox", "fault", "harbor-point").out


@pytest.mark.parametrize("swapped", ["", "swapped"])
def test_a_fault_for_one_record_in_either_order(world: World, swapped: str) -> None:
    record = world.scenarios["present"].record_number
    words = (record, "locked") if swapped else ("locked", record)

    assert run("sandbox", "fault", "harbor-point", *words).code == 0

    struck = {r.record_number: r.fault for r in world.sage.change_orders() if r.fault not in ("", "none")}
    assert struck[record] == "locked"


@pytest.mark.parametrize(
    "words",
    [
        ("delete", "harbor-point"),
        ("delete", "harbor-point", "701", "702"),
        ("renumber", "harbor-point", "701"),
        ("list", "harbor-point", "701"),
        ("restore-backup", "harbor-point", "701"),
        ("archive", "harbor-point"),
        ("archive", "harbor-point", "2609", "2608"),
        ("delete-job", "harbor-point"),
        ("purge-history", "harbor-point", "701"),
        ("purge-history", "harbor-point", "--days", "-1"),
        ("purge-history", "harbor-point", "--days", "99999999999"),
        ("fault", "harbor-point", "archiving", "701"),
        ("fault", "harbor-point", "no-such-fault"),
        ("fault", "harbor-point", "slow"),
        ("fault", "harbor-point", "slow:never"),
        ("fault", "harbor-point", "701"),
        ("fault", "harbor-point", "locked", "offline"),
        ("fault", "harbor-point", "wrong-database", "701"),
        ("list", "no-such-company"),
    ],
)
def test_2_for_wrong_use_and_nothing_happens(world: World, words: tuple[str, ...]) -> None:
    before = world.sage.change_orders()

    ran = run("sandbox", *words)

    assert ran.code == 2
    assert ran.err
    assert world.sage.change_orders() == before
    assert world.sage.fault() == "none"


@pytest.mark.parametrize(
    "words",
    [
        *(
            ("delete", "999999"),
            ("delete", "abc"),
            ("recreate", "702"),
            ("void", "9" * 40),
            ("restore", "702"),
        ),
        *(("archive", "2611"), ("archive", "9999"), ("delete-job", "9999"), ("delete-job", "abc")),
        ("restore", "00000000-0000-0000-0000-000000000000"),
    ],
)
def test_1_for_what_is_not_possible(world: World, words: tuple[str, str]) -> None:
    before = world.sage.change_orders()

    assert run("sandbox", words[0], "harbor-point", words[1]).code == 1
    assert world.sage.change_orders() == before


def test_3_for_a_company_with_real_books(world: World) -> None:
    connect.set_connection(
        company=world.company,
        address=connect.Address(kind=registry.ODBC, database="B", odbc_string="DRIVER={x};DATABASE=B"),
        actor=LINKER,
    )

    assert run("sandbox", "list", "harbor-point").code == 3


def test_a_shell_gets_the_same(committed_world: World) -> None:
    record = committed_world.scenarios["present"].record_number

    assert manage("sandbox", "delete", "harbor-point", record).code == 0
    assert status_of(committed_world, record) == "Deleted"
    assert manage("sandbox", "delete", "harbor-point", record).code == 1
