"""manage.py reconcile: one comparison now, whether it is time or not."""

import getpass
from datetime import timedelta

from companies.clock import database_now
from erp_integrations.models import Connection, ReconcileRun, Via
from tests.commands.terminal import manage, run
from tests.world import World


def test_0_with_the_counts_of_a_complete_run(world: World) -> None:
    cco = world.synced_cco()
    world.synced_cco("plain-01")
    world.delete_in_sage(cco)

    ran = run("reconcile", "harbor-point")

    assert ran.code == 0
    assert "harbor-point: complete; 2 checked, 1 present, 1 absent, 0 drifted, 0 unknown" in ran.out
    assert ran.out.strip().endswith(" s")
    [made] = ReconcileRun.objects.all()
    assert (made.via, made.actor_name) == (Via.COMMAND, getpass.getuser())
    [event] = world.events(kind="PRESENCE_CHANGED")
    assert (event.via, event.operating_system_user) == ("COMMAND", getpass.getuser())


def test_json_is_one_line_for_each_company(world: World) -> None:
    world.synced_cco()
    World(world.place, slug="ridgeline")

    lines = run("reconcile", "--json").lines

    assert [line["company"] for line in lines] == ["harbor-point", "ridgeline"]
    assert {"state", "checked", "present", "absent", "drifted", "unknown", "seconds"} <= set(lines[0])
    assert (lines[0]["state"], lines[0]["checked"]) == ("COMPLETE", 1)


def test_1_while_another_run_compares(world: World) -> None:
    now = database_now()
    ReconcileRun.objects.create(
        connection=world.connection,
        started_at=now,
        expires_at=now + timedelta(minutes=1),
        actor_name="Plumbline",
        via=Via.QUEUE,
        connection_revision=1,
    )

    ran = run("reconcile", "harbor-point")

    assert ran.code == 1
    assert "Nothing was done" in ran.out


def test_2_for_a_company_that_is_not_there(world: World) -> None:
    assert run("reconcile", "nowhere").code == 2


def test_3_without_a_connection_and_when_an_administrator_must_act(world: World) -> None:
    world.sage.set_fault("login-refused")
    refused = run("reconcile", "harbor-point")
    ReconcileRun.objects.all().delete()
    Connection.objects.all().delete()

    assert refused.code == 3
    assert "refuses the login" in refused.out
    assert run("reconcile", "harbor-point").code == 3


def test_4_when_sage_gives_no_answer(world: World) -> None:
    world.sage.set_fault("offline")

    ran = run("reconcile", "harbor-point")

    assert ran.code == 4
    assert "harbor-point: no answer" in ran.out


def test_it_runs_as_a_shell_would_run_it(committed_world: World) -> None:
    cco = committed_world.synced_cco()
    committed_world.delete_in_sage(cco)

    ran = manage("reconcile", "harbor-point", "--json")

    assert (ran.code, ran.lines[0]["absent"]) == (0, 1)
    assert committed_world.link_of(cco).presence == "absent"
