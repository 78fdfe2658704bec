"""Whatever happens to a CCO in whatever order: it is exported once, tied to what was signed off, or free."""

import contextlib
import itertools
import json
import os
import shutil
import signal
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import override_settings
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from pytest_django import Settings

from commitments.errors import CommitmentsRefused
from commitments.models import CommitmentChangeOrder, ErpStatus
from commitments.operations import change_status
from companies.models import Membership
from erp_integrations.exports import review, run_export, submit
from erp_integrations.links import unlink as unlink_module
from erp_integrations.links.relink import relink_change_order
from erp_integrations.models import ChangeOrderLink, Export
from erp_integrations.ports import NoSuchRecord
from erp_integrations.workflow.errors import Refused
from sage_adapter.sandbox.connection import COMPANY_FILE
from tests import invariants
from tests.proof.forked import start_click
from tests.proof.points import EXPORT_POINTS, watch_export
from tests.sendable import actor, approved_cco, key_in, preview, tied_commitment
from tests.world import World, give_privilege

NAMES = ("first", "second")
PEOPLE = ("approver", "colleague")
FAULTS = ("offline", "locked", "restored", "half-written", "unanswered", "slow:1", "none", "none", "none")
STAGES = ("free", "sent", "accepted", "by hand", "synced")
"""How far a CCO has come when its life begins."""

ENDS = (ErpStatus.NOT_IN_ERP, ErpStatus.REJECTED, ErpStatus.SYNCED)
"""Where a CCO may stay: free, or tied to its record."""

numbers = itertools.count()
tally: Counter[str] = Counter()


class Lives(RuleBasedStateMachine):
    """Two CCOs of one subcontract, the people on both sides of them, and a Sage that may fail."""

    practice: Path

    @initialize(first=st.sampled_from(STAGES), second=st.sampled_from(STAGES))
    def begin(self, first: str, second: str) -> None:
        tally["lives"] += 1
        self.folder = Path(tempfile.mkdtemp(prefix="plumbline-life-"))
        practice = self.folder / "practice"
        shutil.copytree(self.practice, practice)
        # The machine has all the time there is to get ready: deadlines are for what follows.
        with override_settings(SAGE_DEADLINE_SECONDS=60):
            self.world = World(practice, slug=f"life-{next(numbers)}-{os.getpid()}")
            commitment = tied_commitment(self.world)
            self.ccos = {
                name: approved_cco(commitment, f"{100 + at}.25", "1.00", number=f"90{at}")
                for at, name in enumerate(NAMES)
            }
            self.people = {name: self.world.person(f"{name}-{self.world.company.pk}") for name in PEOPLE}
            for cco, stage in zip(NAMES, (first, second), strict=True):
                self._begin_at(cco, stage)

    # --- the project team ---

    @rule(cco=st.sampled_from(NAMES), by=st.sampled_from(PEOPLE))
    def send(self, cco: str, by: str) -> None:
        self._do(submit.send_change_order, cco, by)

    @rule(cco=st.sampled_from(NAMES), by=st.sampled_from(PEOPLE))
    def retrieve(self, cco: str, by: str) -> None:
        self._do(submit.retrieve_change_order, cco, by)

    @rule(cco=st.sampled_from(NAMES), by=st.sampled_from(PEOPLE), approved=st.booleans())
    def change_status(self, cco: str, by: str, *, approved: bool) -> None:
        """While accounting holds it, or it is tied, this is refused."""
        held = self._status(cco) not in (ErpStatus.NOT_IN_ERP, ErpStatus.REJECTED)
        before = self.ccos[cco].status
        act = change_status.approve_change_order if approved else change_status.set_to_draft
        with contextlib.suppress(CommitmentsRefused):
            act(
                company_id=self.world.company.pk,
                change_order_id=self.ccos[cco].pk,
                user_id=self.people[by].pk,
            )
        self.ccos[cco].refresh_from_db()
        assert not (held and self.ccos[cco].status != before), "changed although it was locked"

    # --- accounting ---

    @rule(
        cco=st.sampled_from(NAMES),
        by=st.sampled_from(PEOPLE),
        writer=st.sampled_from(("sandbox", "worksheet")),
    )
    def accept(self, cco: str, by: str, writer: str) -> None:
        number = f"L-{self.ccos[cco].number}"
        with contextlib.suppress(Refused):
            shown = preview(self.world, self.ccos[cco], number=number, writer=writer)
            self._do(review.accept_change_order, cco, by, erp_number=number, writer=writer, token=shown.token)

    @rule(cco=st.sampled_from(NAMES), by=st.sampled_from(PEOPLE))
    def reject(self, cco: str, by: str) -> None:
        self._do(review.reject_change_order, cco, by, reason="Wrong cost code")

    @rule(cco=st.sampled_from(NAMES), by=st.sampled_from(PEOPLE))
    def export(self, cco: str, by: str) -> None:
        self._exported_once(lambda: self._do(run_export.export_change_order, cco, by))

    @rule(cco=st.sampled_from(NAMES), by=st.sampled_from(PEOPLE), point=st.sampled_from(EXPORT_POINTS))
    def export_killed(self, cco: str, by: str, point: str) -> None:
        def killed() -> None:
            click = start_click(
                lambda: run_export.export_change_order(**self._keys(cco, by)),
                stop_at=point,
                with_signal=signal.SIGKILL,
                watching=watch_export,
            )
            tally["exports killed"] += click.was_killed()

        self._exported_once(killed)

    @rule(cco=st.sampled_from(NAMES), by=st.sampled_from(PEOPLE))
    def give_back(self, cco: str, by: str) -> None:
        self._do(run_export.give_back_change_order, cco, by, reason="Wrong vendor")

    @rule(cco=st.sampled_from(NAMES))
    def let_leases_run_out(self, cco: str) -> None:
        self._let_leases_run_out(cco)

    @rule(cco=st.sampled_from(NAMES), by=st.sampled_from(PEOPLE))
    def unlink(self, cco: str, by: str) -> None:
        with contextlib.suppress(Refused):
            unlink_module.unlink_change_order(**self._keys(cco, by))
            tally["unlinked"] += 1

    @rule(cco=st.sampled_from(NAMES), by=st.sampled_from(PEOPLE))
    def relink(self, cco: str, by: str) -> None:
        with contextlib.suppress(Refused):
            relink_change_order(**self._keys(cco, by))
            tally["relinked"] += 1

    @rule(by=st.sampled_from(PEOPLE), may=st.booleans())
    def grant_or_revoke(self, by: str, *, may: bool) -> None:
        if may:
            give_privilege(self.people[by])
        else:
            Membership.objects.filter(user=self.people[by]).update(can_push_to_accounting=False)

    # --- Sage ---

    @rule(cco=st.sampled_from(NAMES), right=st.booleans())
    def key_in(self, cco: str, *, right: bool) -> None:
        """What an accountant does with the worksheet."""
        waits = Export.objects.filter(change_order=self.ccos[cco], ended_at=None, by_hand=True)
        if waits.exists():
            key_in(self.world, self.ccos[cco], amount=None if right else "0.01")

    @rule(cco=st.sampled_from(NAMES))
    def delete(self, cco: str) -> None:
        """Whatever carries the CCO's number, by whomever it was written."""
        for record in self._records(f"L-{self.ccos[cco].number}"):
            self.world.sage.delete(record, user="ACCT2")

    @rule(cco=st.sampled_from(NAMES))
    def restore(self, cco: str) -> None:
        link = ChangeOrderLink.objects.filter(change_order=self.ccos[cco]).order_by("-id").first()
        if link is not None:
            with contextlib.suppress(NoSuchRecord):
                self.world.sage.restore(link.record_number, user="ACCT1")

    @rule(fault=st.sampled_from(FAULTS))
    def switch_fault(self, fault: str) -> None:
        tally["faults injected"] += fault != "none"
        self.world.sage.set_fault(fault)

    # --- what must be true after every step ---

    @invariant()
    def the_story_is_one(self) -> None:
        if not hasattr(self, "people"):
            return
        broken = invariants.broken_by_kind(company_id=self.world.company.pk)
        for kind, sentences in broken.items():
            tally[kind] += len(sentences)
        assert not any(broken.values()), broken

    def teardown(self) -> None:
        if not hasattr(self, "people"):
            return
        try:
            with override_settings(SAGE_DEADLINE_SECONDS=60):
                self._everything_comes_to_an_end()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- how ---

    def _begin_at(self, cco: str, stage: str) -> None:
        """Some way along, so that a short row of steps gets everywhere."""
        if stage == "free":
            return
        self.send(cco, "approver")
        if stage != "sent":
            self.accept(cco, "approver", "worksheet" if stage == "by hand" else "sandbox")
        if stage == "synced":
            self.export(cco, "approver")

    def _everything_comes_to_an_end(self) -> None:
        """With all faults off and all rights back, nothing is stuck between the two sides."""
        self.world.sage.set_fault("none")
        for person in self.people.values():
            give_privilege(person)
        for cco in NAMES:
            self._let_leases_run_out(cco)
            self._do(submit.retrieve_change_order, cco, "approver")
            self.export(cco, "approver")
            if self._status(cco) not in ENDS:
                self.delete(cco)
                self._do(run_export.give_back_change_order, cco, "approver", reason="The end")
            if self._status(cco) not in ENDS:
                tally["rounds that could not be ended"] += 1
            assert self._status(cco) in ENDS, f"{cco} is stuck: {self._status(cco)}"
        self.the_story_is_one()

    def _keys(self, cco: str, by: str) -> dict[str, Any]:
        return {
            "company_id": self.world.company.pk,
            "change_order_id": self.ccos[cco].pk,
            "actor": actor(self.people[by]),
        }

    def _do(self, act: Callable[..., object], cco: str, by: str, **more: object) -> None:
        with contextlib.suppress(Refused):
            act(**self._keys(cco, by), **more)
            tally[act.__name__] += 1

    def _exported_once(self, export: Callable[[], object]) -> None:
        """No export's key is ever written while a record of it is there."""
        before = self._written()
        export()
        for key, count in self._written().items():
            if count > max(1, before[key]):
                tally["doubled exports"] += 1
            assert count <= max(1, before[key]), f"export {key} was written again"

    def _written(self) -> Counter[str]:
        return Counter(key for key, _, _ in self._books() if key)

    def _records(self, number: str) -> list[str]:
        return [record for _, record, carried in self._books() if carried == number]

    def _books(self) -> list[tuple[str, str, str]]:
        """(key, record number, change number) of every change order, read past the adapter."""
        with contextlib.closing(sqlite3.connect(self.world.place / COMPANY_FILE)) as books:
            return books.execute("SELECT usrdf1, CAST(recnum AS TEXT), chgnum FROM prmchg").fetchall()

    def _status(self, cco: str) -> ErpStatus:
        found = CommitmentChangeOrder.objects.values_list("erp_status", flat=True)
        return ErpStatus(found.get(pk=self.ccos[cco].pk))

    def _let_leases_run_out(self, cco: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT pg_sleep(greatest(0, extract(epoch FROM max(until) - clock_timestamp())) + 0.01)
                   FROM (SELECT writing_until AS until FROM erp_integrations_export
                         WHERE change_order_id = %s AND writing_until IS NOT NULL
                         UNION ALL
                         SELECT expires_at FROM erp_integrations_unlinkattempt attempt
                         JOIN erp_integrations_changeorderlink link ON link.id = attempt.link_id
                         WHERE link.change_order_id = %s AND attempt.state = 'CHECKING') AS leases""",
                [self.ccos[cco].pk, self.ccos[cco].pk],
            )


# --- the tests -----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def short_leases(settings: Settings, monkeypatch: pytest.MonkeyPatch, practice_template: Path) -> None:
    settings.SAGE_DEADLINE_SECONDS = 0.9  # "slow:1" is later than that
    settings.SAGE_SECOND_LOOK_SECONDS = 0.002
    for module in (unlink_module, run_export):
        monkeypatch.setattr(module, "LEASE_BEYOND_DEADLINE", timedelta(seconds=0.1))
    monkeypatch.setattr(Lives, "practice", practice_template, raising=False)


@pytest.fixture
def report() -> Iterator[None]:
    """Leaves the tally where the end of the run prints it."""
    tally.clear()
    yield
    with (django_settings.BASE_DIR / "var" / "proof.jsonl").open("a") as file:
        file.write(json.dumps(tally) + "\n")


def _run(examples: int, number: int) -> None:
    run_state_machine_as_test(
        seed(number)(Lives),
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert tally["lives"] >= examples


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("number", range(2))
def test_no_life_exports_twice_or_loses_its_way(report: None, number: int) -> None:
    _run(25, number)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("number", range(100, 110))
def test_no_long_row_of_lives_does_either(report: None, number: int) -> None:
    _run(100, number)
