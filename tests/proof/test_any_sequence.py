"""Whatever happens in whatever order, no link is cut that Sage did not just call gone."""

import contextlib
import itertools
import json
import os
import shutil
import signal
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.test import override_settings
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from commitments.models import CommitmentChangeOrder
from companies.clock import clock_from, database_now
from companies.models import Level, Membership, User
from erp_integrations.connections import connect
from erp_integrations.deletions import confirm_deletion
from erp_integrations.erp import calls, registry
from erp_integrations.ledger.actors import Actor
from erp_integrations.links import move_link
from erp_integrations.links import unlink as unlink_module
from erp_integrations.links.look_question import reference_to
from erp_integrations.links.record_findings import Recorded, record_findings
from erp_integrations.links.relink import relink_change_order
from erp_integrations.models import ChangeOrderLink, Connection, ReconcileRun, ReconcileState, Via
from erp_integrations.ports import Deadline, NoSuchRecord
from erp_integrations.reconciliation import run_lease
from erp_integrations.reconciliation.reconcile import reconcile
from erp_integrations.workflow.errors import ReconcileInProgress, Refused, UnlinkInProgress
from sage_adapter.sandbox.connection import COMPANY_FILE, read_only_uri
from sage_adapter.sandbox.writer import open_books
from tests import invariants
from tests.proof.forked import Click, start_click
from tests.proof.points import POINTS, RECONCILE_POINTS, UNTIL_THE_CUT, watch_reconcile
from tests.world import LINKER, World, give_privilege

BY_ITSELF = Actor(user_id=None, name="Plumbline", via=Via.QUEUE)

KEYS = ("present", "plain-01", "sub-number-reused", "older-backup")
"""The scenarios whose records the sequences play with; the last vanishes when the backup is restored."""

MOVES, SPARE = "present", "plain-02"
"""The CCO whose link is moved, and the scenario whose record it is moved to; both on one subcontract."""

PEOPLE = ("approver", "colleague")
FAULTS = (
    "offline",
    "login-refused",
    "app-refused",
    "no-rights",
    "no-audit",
    "wrong-database",
    "restored",
    "missing-table",
    "missing-column",
    "emptied",
    "locked",
    "deadlock",
    "drops",
    "slow:1",
    "none",
    "none",
)
PAUSES = (
    "after the claim",
    "inside the first question",
    "between the looks",
    "inside the second question",
    "before settling",
)
"""Points where nothing is locked, here or in Sage, so that everybody else can go on."""

EXPLAINED = ("replaced-without-proof", "lines-without-header")
"""Why a record that is gone, or half gone, keeps its link for good: an answer, and not the end of asking."""

TO_CONFIRM = ("no-control", "history-silent")
"""Why a record that is gone keeps its link until two ERP admins have stated that it was deleted."""

STORED_OF = {
    "there": ("present", "not-effective", "renumbered"),
    "half": ("ambiguous",),
    "gone": ("absent", "replaced"),
}
"""What is in Sage -> what a complete run leaves stored of the link."""

LEASE_OF_A_RUN = timedelta(seconds=0.2)

PATIENCE_SECONDS = 60
"""For whatever is not about being late: on a busy machine nothing shall depend on its speed."""
HURRY_SECONDS = 0.9
"""`slow:1` is later than that, and so is a busy machine: amber, which is no wrong answer."""
LEASE = timedelta(seconds=1)
"""Of every click in a sequence, so that one can be waited for."""

numbers = itertools.count()
tally: Counter[str] = Counter()


@contextlib.contextmanager
def leases(deadline_seconds: float) -> Iterator[None]:
    """Clicks with that deadline, and leases as short as all of them are here."""
    with override_settings(SAGE_DEADLINE_SECONDS=deadline_seconds), pytest.MonkeyPatch.context() as patch:
        beyond = LEASE - timedelta(seconds=deadline_seconds)
        patch.setattr(unlink_module, "LEASE_BEYOND_DEADLINE", beyond)
        yield


@dataclass
class Paused:
    """A click that stands still: who, what, where, and what the world was like by then."""

    click: Click
    key: str
    person: str
    point: str
    gone_then: bool
    trusted_then: bool
    revision_then: int


class Sequences(RuleBasedStateMachine):
    """A company, its practice Sage, a few people, and everything that can go wrong."""

    practice: Path
    elsewhere: Path

    @initialize()
    def begin(self) -> None:
        tally["sequences"] += 1
        self.folder = Path(tempfile.mkdtemp(prefix="plumbline-proof-"))
        practice = self.folder / "practice"
        shutil.copytree(self.practice, practice)
        self.world = World(practice, slug=f"proof-{next(numbers)}-{os.getpid()}")
        self.ccos = {key: self.world.synced_cco(key) for key in KEYS}
        self.records = {key: self.world.record_of(cco) for key, cco in self.ccos.items()}
        self.people = {
            name: self.world.person(f"{name}-{self.world.company.pk}", erp_integrations=Level.ADMIN)
            for name in PEOPLE
        }
        self.own = {
            key: (str(link.row_id).upper(), int(link.record_number), int(link.subcontract_record_number))
            for key, link in ((key, self.world.link_of(cco)) for key, cco in self.ccos.items())
        }
        self.spare = self.world.scenarios[SPARE].record_number
        self.may: dict[str, bool] = dict.fromkeys(PEOPLE, True)
        self.fault = "none"
        self.accepted = True
        self.was_restored = False
        self.at_home = True
        self.revision = 0
        self.cut: set[str] = set()
        self.paused: list[Paused] = []
        # How many clicks were to stand still. Whether one does may hang on the machine, and then a sequence
        # that chose its next step by it could not be played again.
        self.pauses = 0
        self.traveller: time_machine.travel | None = None
        self.next_door = World(practice, slug=f"next-door-{next(numbers)}-{os.getpid()}")
        self.next_door.synced_cco(KEYS[0])
        self.untouched = invariants.fingerprint(self.next_door.company.pk)

    # --- what an accountant does ---

    @rule(key=st.sampled_from(KEYS))
    def delete(self, key: str) -> None:
        with contextlib.suppress(NoSuchRecord):
            self.world.sage.delete(self.records[key], user="ACCT2")

    @rule(key=st.sampled_from(KEYS), word=st.sampled_from(("void", "reject")))
    def make_ineffective(self, key: str, word: str) -> None:
        with contextlib.suppress(NoSuchRecord):
            getattr(self.world.sage, word)(self.records[key], user="ACCT2")

    @rule(key=st.sampled_from(KEYS))
    def restore(self, key: str) -> None:
        with contextlib.suppress(NoSuchRecord):
            self.world.sage.restore(self.records[key], user="ACCT1")

    @rule(key=st.sampled_from(KEYS), number=st.sampled_from(("99-1", "11-2", " 11-2 ", "")))
    def renumber(self, key: str, number: str) -> None:
        with contextlib.suppress(NoSuchRecord, ValueError):
            self.world.sage.renumber(self.records[key], number, user="ACCT1")

    @rule(key=st.sampled_from(KEYS))
    def recreate(self, key: str) -> None:
        with contextlib.suppress(NoSuchRecord):
            self.world.sage.recreate(self.records[key], user="ACCT1")

    @rule(key=st.sampled_from(KEYS))
    def delete_half(self, key: str) -> None:
        with (
            contextlib.suppress(NoSuchRecord),
            open_books(Path(self.world.connection.sandbox_path), referential=False) as books,
        ):
            books.delete(self.records[key], user="ACCT2", keep_lines=True)

    @rule()
    def restore_backup(self) -> None:
        self.world.sage.restore_backup()
        self.accepted, self.was_restored = False, True

    @rule(fault=st.sampled_from(FAULTS))
    def switch_fault(self, fault: str) -> None:
        tally["faults injected"] += fault != "none"
        self.world.sage.set_fault(fault)
        self.fault = fault

    # --- what administrators do ---

    @rule(name=st.sampled_from(PEOPLE), may=st.booleans())
    def grant_or_revoke(self, *, name: str, may: bool) -> None:
        if may:
            give_privilege(self.people[name])
        else:
            Membership.objects.filter(user=self.people[name]).update(can_push_to_accounting=False)
        self.may[name] = may

    @precondition(lambda self: self.at_home and not self.accepted and self.fault in ("none", "no-audit"))
    @rule()
    def accept_the_database(self) -> None:
        self._accept()

    @rule(at_home=st.booleans())
    def point_the_connection(self, *, at_home: bool) -> None:
        """To the books, or to a company of the same name in which every record is gone."""
        tally["connections pointed elsewhere"] += not at_home
        self._point_the_connection(at_home=at_home)

    @rule(hours=st.sampled_from((-24, -1, 1, 24)))
    def clock_jumps(self, hours: int) -> None:
        """Of the application's machine; the database's is the one that counts."""
        tally["clock jumps"] += 1
        self._land()
        self.traveller = time_machine.travel(datetime.now(UTC) + timedelta(hours=hours))
        self.traveller.start()

    # --- what people do ---

    @rule(key=st.sampled_from(KEYS), name=st.sampled_from(PEOPLE))
    def unlink(self, key: str, name: str) -> None:
        began = database_now()
        try:
            with leases(HURRY_SECONDS):
                self._unlink(key, name)
        except UnlinkInProgress:
            self._a_lease_still_holds(key, began)
        except Refused:
            return
        else:
            self._was_cut(key, by=name, gone=self._in_sage(key) == "gone", trusted=self._trusted())

    @rule(key=st.sampled_from(KEYS), name=st.sampled_from(PEOPLE), point=st.sampled_from(POINTS))
    def killed(self, key: str, name: str, point: str) -> None:
        killed = self._in_a_process(key, name, stop_at=point, with_signal=signal.SIGKILL).was_killed()
        tally["kills"] += killed
        if self._is_newly_cut(key):
            assert not (killed and point in UNTIL_THE_CUT), f"cut by a click that was killed {point}"
            self._was_cut(key, by=name, gone=self._in_sage(key) == "gone", trusted=self._trusted())

    @precondition(lambda self: self.pauses < 2)
    @rule(key=st.sampled_from(KEYS), name=st.sampled_from(PEOPLE), point=st.sampled_from(PAUSES))
    def pause(self, key: str, name: str, point: str) -> None:
        self.pauses += 1
        gone, trusted = self._in_sage(key) == "gone", self._trusted()
        click = self._in_a_process(key, name, stop_at=point, with_signal=signal.SIGSTOP)
        if click.stops():
            tally["pauses"] += 1
            self.paused.append(Paused(click, key, name, point, gone, trusted, self.revision))
        elif self._is_newly_cut(key):
            self._was_cut(key, by=name, gone=gone, trusted=trusted)

    @precondition(lambda self: self.pauses)
    @rule(key=st.sampled_from(KEYS))
    def let_leases_run_out(self, key: str) -> None:
        self._let_leases_run_out(self.ccos[key])

    @precondition(lambda self: self.pauses)
    @rule()
    def go_on(self) -> None:
        self.pauses -= 1
        if self.paused:
            self._resume(self.paused.pop())

    @rule(key=st.sampled_from(KEYS), name=st.sampled_from(PEOPLE))
    def relink(self, key: str, name: str) -> None:
        with contextlib.suppress(Refused):
            self._relink(key, name)

    @rule(name=st.sampled_from(PEOPLE))
    def move(self, name: str) -> None:
        """The link of one CCO to the other of its two records, whatever became of either."""
        keys: dict[str, Any] = {"company_id": self.world.company.pk, "change_order_id": self.ccos[MOVES].pk}
        with contextlib.suppress(Refused):
            shown = move_link.show_both_records(**keys, record_number=self.spare)
            move_link.move_change_order_link(
                **keys,
                record_number=self.spare,
                subcontract_record_number=shown.subcontract_record_number,
                shown=shown.token,
                actor=self._actor(name),
                reason="It is this one",
            )
            assert self.may[name], f"{MOVES} was moved by somebody who may not"
            assert self._trusted(), f"{MOVES} was moved although Sage cannot be believed ({self.fault})"
            assert MOVES not in self.cut
            tally["moves"] += 1
            link = self.world.link_of(self.ccos[MOVES])
            self.records[MOVES], self.spare = self.spare, self.records[MOVES]
            self.own[MOVES] = (
                str(link.row_id).upper(),
                int(link.record_number),
                int(link.subcontract_record_number),
            )
            assert self._in_sage(MOVES) == "there", f"{MOVES} was moved to a record that is not in Sage"

    # --- what happens by itself ---

    @precondition(lambda self: self.fault != "slow:1")  # each of a run's many questions would be slow
    @rule(patient=st.booleans())
    def reconcile(self, *, patient: bool) -> None:
        if patient:
            self._let_the_run_end()
        began = database_now()
        try:
            run = reconcile(connection_id=self.world.connection.pk, actor=BY_ITSELF)
        except ReconcileInProgress:
            assert not patient
            holding = ReconcileRun.objects.get(connection=self.world.connection, state="RUNNING")
            assert holding.expires_at > began, "a run that is over holds nobody up"
            return
        tally["reconciliations"] += 1
        complete = run.state == ReconcileState.COMPLETE
        assert complete == self._trusted(), f"{run.state} {run.fault_code} with {self.fault}"
        if complete:
            tally["complete reconciliations"] += 1
            self._what_is_stored_is_true()

    @precondition(lambda self: self.fault != "slow:1")
    @rule(point=st.sampled_from(RECONCILE_POINTS))
    def kill_a_run(self, point: str) -> None:
        run = start_click(
            self._reconcile, stop_at=point, with_signal=signal.SIGKILL, watching=watch_reconcile
        )
        tally["runs killed"] += run.was_killed()

    @precondition(lambda self: self.fault != "slow:1")
    @rule(key=st.sampled_from(KEYS))
    def check(self, key: str) -> None:
        """One look at one link, which tells and never cuts."""
        link = self.world.link_of_any(self.ccos[key].pk)
        books = Connection.objects.get(pk=self.world.connection.pk)
        findings = calls.quick_lookup_many(
            registry.reader_for(registry.spec_of(books)),
            [reference_to(link, books)],
            deadline=Deadline.after(PATIENCE_SECONDS),
            clock=clock_from(database_now()),
        )
        assert not any(finding.proves_absence for finding in findings)
        with transaction.atomic():
            recorded = record_findings(
                {link.pk: findings[0]},
                connection_id=books.pk,
                connection_revision=books.revision,
                actor=self._actor("approver"),
                now=database_now(),
                by_person=True,
            )
        tally["checks"] += 1
        if self._trusted() and link.is_active:
            assert recorded[link.pk] in (Recorded.CHANGED, Recorded.SAME)
        else:
            assert recorded[link.pk] in (Recorded.ENDED, Recorded.NO_ANSWER)

    # --- what must be true after every step ---

    @invariant()
    def the_promise_is_kept(self) -> None:
        if not hasattr(self, "world"):
            return
        broken = invariants.broken_by_kind(company_id=self.world.company.pk)
        for kind, sentences in broken.items():
            tally[kind] += len(sentences)
        assert not any(broken.values()), broken
        active = ChangeOrderLink.objects.filter(connection=self.world.connection, unlinked_at=None)
        linked = set(active.values_list("change_order_id", flat=True))
        cut = {key for key, cco in self.ccos.items() if cco.pk not in linked}
        assert cut == self.cut, "nobody was told that a link was cut"
        assert invariants.fingerprint(self.next_door.company.pk) == self.untouched

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            while self.paused:
                self._resume(self.paused.pop())
            self._land()
            self._everything_can_be_tried_again()
        finally:
            self._land()
            for paused in self.paused:
                paused.click.end()
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- how ---

    def _everything_can_be_tried_again(self) -> None:
        """With all faults off and all rights back, every record that is gone can be unlinked."""
        self.world.sage.set_fault("none")
        for name in PEOPLE:
            give_privilege(self.people[name])
            self.may[name] = True
        self.fault = "none"
        self._point_the_connection(at_home=True)
        if not self.accepted:
            self._accept()
        with contextlib.suppress(NoSuchRecord):  # a moved link answers for the record it left
            self.world.sage.delete(self.spare, user="ACCT2")
        for key, cco in self.ccos.items():
            if key in self.cut:
                continue
            with contextlib.suppress(NoSuchRecord):
                self.world.sage.delete(self.records[key], user="ACCT2")
            self._let_leases_run_out(cco)
            self._cut_what_is_gone(key)
            attempt = self.world.attempts(cco)[-1]
            if key not in self.cut and attempt.reason in TO_CONFIRM:
                self._confirm_that_it_was_deleted(key)
                self._cut_what_is_gone(key)
                attempt = self.world.attempts(cco)[-1]
            if key not in self.cut and attempt.reason not in EXPLAINED:
                tally["links that could not be tried again"] += 1
                raise AssertionError(f"{key} could not be tried again: {attempt.verdict} {attempt.reason}")
        self.the_promise_is_kept()
        self._one_comes_back()
        self._let_the_run_end()
        assert reconcile(connection_id=self.world.connection.pk, actor=BY_ITSELF).state == "COMPLETE"
        self._what_is_stored_is_true()
        self.the_promise_is_kept()

    def _cut_what_is_gone(self, key: str) -> None:
        with contextlib.suppress(Refused):
            self._unlink(key, "approver")
            self._was_cut(key, by="approver", gone=self._in_sage(key) == "gone", trusted=True)

    def _confirm_that_it_was_deleted(self, key: str) -> None:
        """One ERP admin states it, the other one confirms it."""
        company_id, record = self.world.company.pk, self.world.link_of(self.ccos[key]).record_number
        deletion = confirm_deletion.state_deletion(
            company_id=company_id,
            record_numbers=[record],
            reason="Deleted after a backup was restored",
            actor=self._actor("approver"),
        )
        confirm_deletion.confirm_deletion(
            company_id=company_id, deletion_id=deletion.pk, actor=self._actor("colleague")
        )
        tally["confirmed deletions"] += 1

    def _one_comes_back(self) -> None:
        """Whatever was cut can be tied again once its record is there, and is compared from then on."""
        for key in sorted(self.cut):
            with contextlib.suppress(NoSuchRecord):
                self.world.sage.restore(self.records[key], user="ACCT1")
                # After a restored backup its number may have been another record's, which comes back instead.
                ours = self._in_sage(key) == "there"
                if ours:
                    self._relink(key, "approver")
                self.world.sage.delete(self.records[key], user="ACCT2")
                if ours:
                    return

    def _relink(self, key: str, name: str) -> None:
        relink_change_order(
            company_id=self.world.company.pk, change_order_id=self.ccos[key].pk, actor=self._actor(name)
        )
        assert key in self.cut
        assert self.may[name], f"{key} was relinked by somebody who may not"
        now = self._in_sage(key)
        assert now == "there", f"{key} was relinked although it is {now} in Sage"
        assert self._trusted(), f"{key} was relinked although Sage cannot be believed ({self.fault})"
        tally["relinks"] += 1
        self.cut.remove(key)

    def _reconcile(self) -> None:
        with contextlib.suppress(ReconcileInProgress):
            reconcile(connection_id=self.world.connection.pk, actor=BY_ITSELF)

    def _what_is_stored_is_true(self) -> None:
        """Of every active link, after a complete run: nothing was skipped."""
        for key, cco in self.ccos.items():
            if key in self.cut:
                continue
            presence = self.world.link_of_any(cco.pk).presence
            now = self._in_sage(key)
            # What a restored backup took away, no history tells, and without controls no absence is believed.
            is_doubtful = now == "gone" and (self.was_restored or not self._has_controls(key))
            may_be = STORED_OF[now] + (("unknown",) if is_doubtful else ())
            assert presence in may_be, f"{key} is {now}, not {presence}"

    def _has_controls(self, key: str) -> bool:
        """Whether more of the other linked records are there than are not, so that an absence is believed."""
        others = [self._in_sage(other) == "there" for other in KEYS if other != key and other not in self.cut]
        return sum(others) > len(others) / 2

    def _let_the_run_end(self) -> None:
        """A run that was killed holds the next one up for as long as its lease."""
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT pg_sleep(
                       greatest(0, extract(epoch FROM max(expires_at) - clock_timestamp())) + 0.01)
                   FROM erp_integrations_reconcilerun
                   WHERE connection_id = %s AND state = 'RUNNING'""",
                [self.world.connection.pk],
            )

    def _point_the_connection(self, *, at_home: bool) -> None:
        connect.set_connection(
            company=self.world.company,
            address=connect.Address(
                kind=registry.SANDBOX,
                database=self.world.books.name,
                sandbox_path=self.world.place if at_home else self.elsewhere,
            ),
            actor=LINKER,
        )
        self.at_home = at_home
        self.revision += 1

    def _accept(self) -> None:
        actor = self._actor("approver")
        checked = connect.check_connection(connection_id=self.world.connection.pk, actor=actor)
        connect.accept_database(
            connection_id=self.world.connection.pk,
            incarnation=checked.connection.seen_incarnation,
            actor=actor,
            reason="The backup was restored on purpose",
        )
        self.accepted = True
        self.revision += 1

    def _in_sage(self, key: str) -> str:
        """What the books themselves say of our very record, read by nothing of ours.

        A restored backup gives record numbers away again, so that its number may be another record's by now.
        """
        row_id, record, subcontract = self.own[key]
        file = Path(self.world.place) / COMPANY_FILE
        with contextlib.closing(sqlite3.connect(read_only_uri(file), uri=True)) as books:
            [(headers,)] = books.execute("SELECT COUNT(*) FROM prmchg WHERE _idnum = ?", (row_id,))
            [(lines,)] = books.execute(
                "SELECT COUNT(*) FROM sbcgln WHERE recnum = ? AND vndctc = ?", (record, subcontract)
            )
        return "there" if headers else "half" if lines else "gone"

    def _trusted(self) -> bool:
        """Whether Sage, as it is now, may be believed at all."""
        return self.at_home and self.accepted and self.fault in ("none", "no-audit", "slow:1")

    def _is_newly_cut(self, key: str) -> bool:
        return key not in self.cut and not self.world.link_of_any(self.ccos[key].pk).is_active

    def _was_cut(self, key: str, *, by: str, gone: bool, trusted: bool) -> None:
        if not (gone and trusted and self.may[by]):
            tally["wrong unlinks"] += 1
        assert self.may[by], f"{key} was cut by somebody who may not"
        assert gone, f"{key} was cut although it is {self._in_sage(key)} in Sage"
        assert trusted, f"{key} was cut although Sage cannot be believed ({self.fault})"
        tally["right unlinks"] += 1
        self.cut.add(key)

    def _actor(self, name: str) -> Actor:
        person: User = self.people[name]
        return Actor(user_id=person.pk, name=person.name, via=Via.PAGE)

    def _unlink(self, key: str, name: str) -> None:
        unlink_module.unlink_change_order(
            company_id=self.world.company.pk, change_order_id=self.ccos[key].pk, actor=self._actor(name)
        )

    def _a_lease_still_holds(self, key: str, began: datetime) -> None:
        """Who is told to wait is told so by a lease, and not by what a dead process left behind."""
        holding = [a for a in self.world.attempts(self.ccos[key]) if a.expires_at > began]
        if not holding:
            tally["links that could not be tried again"] += 1
        assert holding, f"{key} is held by an attempt whose lease is over"

    def _in_a_process(self, key: str, name: str, *, stop_at: str, with_signal: signal.Signals) -> Click:
        def click() -> None:
            # One thread asks and one waits. Without a deadline in sight they never walk at the same time, so
            # that no click is stopped in a transaction while its question reaches the point.
            with leases(PATIENCE_SECONDS):
                self._unlink(key, name)

        return start_click(click, stop_at=stop_at, with_signal=with_signal)

    def _resume(self, paused: Paused) -> None:
        # Inside the first question Sage has said which database it is, not yet whether the record is there.
        greeted_before = paused.point != "after the claim"
        looked_before = greeted_before and paused.point != "inside the first question"
        looks_again = paused.point != "before settling"
        # Inside the second question it has said so again. A connection that is open feels no fault of after
        # that, only that the books under it were restored.
        greets_again = looks_again and paused.point != "inside the second question"
        gone_now, trusted_now = self._in_sage(paused.key) == "gone", self._trusted()
        before = paused.key in self.cut
        paused.click.goes_on()
        if before or not self._is_newly_cut(paused.key):
            return
        self._was_cut(
            paused.key,
            by=paused.person,
            gone=(gone_now or not looks_again) and (paused.gone_then or not looked_before),
            trusted=(trusted_now or not greets_again)
            and (self.accepted or not looks_again)
            and (paused.trusted_then or not greeted_before)
            and self.revision == paused.revision_then,
        )

    def _let_leases_run_out(self, cco: CommitmentChangeOrder) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT pg_sleep(
                       greatest(0, extract(epoch FROM max(expires_at) - clock_timestamp())) + 0.01)
                   FROM erp_integrations_unlinkattempt attempt
                   JOIN erp_integrations_changeorderlink link ON link.id = attempt.link_id
                   WHERE link.change_order_id = %s AND attempt.state = 'CHECKING'""",
                [cco.pk],
            )

    def _land(self) -> None:
        if self.traveller is not None:
            self.traveller.stop()
            self.traveller = None


# --- the tests -----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def places_and_patience(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, practice_template: Path, elsewhere: Path
) -> None:
    settings.SAGE_DEADLINE_SECONDS = PATIENCE_SECONDS
    settings.SAGE_SECOND_LOOK_SECONDS = 0.002
    monkeypatch.setattr(run_lease, "LEASE", LEASE_OF_A_RUN)
    monkeypatch.setattr(Sequences, "practice", practice_template, raising=False)
    monkeypatch.setattr(Sequences, "elsewhere", elsewhere, raising=False)


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leaves the tally where the end of the run prints it."""
    tally.clear()
    yield
    with (django_settings.BASE_DIR / "var" / "proof.jsonl").open("a") as file:
        file.write(json.dumps(tally) + "\n")


def _run(examples: int, number: int) -> None:
    machine = seed(number)(Sequences)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert tally["sequences"] >= examples


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("number", range(4))
def test_no_sequence_cuts_a_link_that_sage_did_not_call_gone(report: None, number: int) -> None:
    _run(50, number)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("number", range(100, 150))
def test_no_long_row_of_sequences_does_either(report: None, number: int) -> None:
    _run(100, number)
