"""A moved link answers for the record it left, until that is linked or ignored with a reason."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commitments.models import CommitmentChangeOrder
from companies.errors import ReasonMissing
from companies.models import Level, User
from erp_integrations.ledger.actors import actor_in_admin
from erp_integrations.links.ignore_record import ignore_left_record, stop_ignoring_left_record
from erp_integrations.links.left_records import LeftState, find_left_records, left_record_lines
from erp_integrations.models import ChangeOrderLink, EventKind, IgnoredRecord
from erp_integrations.ports import LeftRecord
from erp_integrations.workflow.errors import NotAllowed, RecordNotLeft
from tests.domain.test_move_link import move
from tests.sendable import actor
from tests.world import World


class Moved:
    """A CCO whose link was moved from record 702 to record 703."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cco: CommitmentChangeOrder = world.synced_cco()
        self.approver: User = world.person()
        self.former = world.link_of(self.cco)
        self.link: ChangeOrderLink = move(world, self.cco, "703", by=self.approver)
        self.former.refresh_from_db()

    def left(self) -> tuple[LeftRecord, ...]:
        return find_left_records([self.world.link_of(self.cco)]).get(self.world.link_of(self.cco).pk, ())

    def keys(self, by: User | None = None) -> dict[str, Any]:
        return {
            "company_id": self.world.company.pk,
            "change_order_id": self.cco.pk,
            "former_link_id": self.former.pk,
            "actor": actor(by or self.approver),
        }

    def ignore(self, reason: str = "A budget change", **changed: Any) -> IgnoredRecord:
        return ignore_left_record(**self.keys() | changed, reason=reason)


@pytest.fixture
def moved(world: World) -> Moved:
    return Moved(world)


# --- which records it answers for ----------------------------------------------------------------


def test_a_link_that_was_never_moved_answers_for_none_and_costs_no_query(world: World) -> None:
    link = world.link_of(world.synced_cco())

    with CaptureQueriesContext(connection) as queries:
        left = find_left_records([link])

    assert (left, len(queries)) == ({}, 0)


def test_a_moved_link_answers_for_the_record_it_left(moved: Moved) -> None:
    assert moved.former.unlinked_at is not None
    assert moved.left() == (LeftRecord(moved.former.row_id, "702", moved.former.unlinked_at),)


def test_a_record_that_is_linked_again_is_not_answered_for(world: World, moved: Moved) -> None:
    world.synced_cco("present")

    assert moved.left() == ()
    [line] = left_record_lines(moved.link)
    assert (line.state, line.linked_to.startswith("CCO ")) == (LeftState.LINKED, True)


def test_another_part_of_the_same_header_being_linked_does_not_count(world: World) -> None:
    cco, approver = world.synced_cco("shared-deleted"), world.person()
    world.synced_cco("shared-kept")
    made = move(world, cco, "713", by=approver)

    assert [one.record_number for one in find_left_records([made])[made.pk]] == ["750"]


def test_a_link_moved_twice_answers_for_both_the_latest_first(moved: Moved) -> None:
    move(moved.world, moved.cco, "701", by=moved.approver)

    assert [one.record_number for one in moved.left()] == ["703", "702"]


def test_a_link_moved_there_and_back_answers_for_the_other_one_only(moved: Moved) -> None:
    move(moved.world, moved.cco, "702", by=moved.approver)

    assert [one.record_number for one in moved.left()] == ["703"]


def test_a_record_that_was_left_twice_is_told_once(moved: Moved) -> None:
    move(moved.world, moved.cco, "702", by=moved.approver)
    move(moved.world, moved.cco, "701", by=moved.approver)

    assert [one.record_number for one in moved.left()] == ["702", "703"]


def test_many_links_cost_as_many_queries_as_one(world: World, moved: Moved) -> None:
    other = world.synced_cco("void")
    another = move(world, other, "707", by=moved.approver)

    with CaptureQueriesContext(connection) as queries:
        left = find_left_records([moved.link, another])

    assert set(left) == {moved.link.pk, another.pk}
    reads = [one for one in queries if one["sql"].startswith("SELECT") and "ignoredrecord" in one["sql"]]
    assert len(reads) == 1


# --- ignoring ------------------------------------------------------------------------------------


def test_an_ignored_record_is_not_answered_for(moved: Moved) -> None:
    ignored = moved.ignore()

    assert moved.left() == ()
    assert (ignored.record_number, ignored.reason) == ("702", "A budget change")
    assert ignored.ignored_by_name == moved.approver.name
    [event] = moved.world.events(kind=EventKind.RECORD_IGNORED)
    assert (event.reason, event.subject_id, event.evidence["record_number"]) == (
        "A budget change",
        moved.cco.pk,
        "702",
    )
    assert "Can Push to Accounting" in event.rights


def test_ignoring_is_taken_back(moved: Moved) -> None:
    moved.ignore()

    stop_ignoring_left_record(**moved.keys())

    assert [one.record_number for one in moved.left()] == ["702"]
    assert len(moved.world.events(kind=EventKind.RECORD_NOT_IGNORED)) == 1
    moved.ignore("Again")
    assert (moved.left(), IgnoredRecord.objects.count()) == ((), 2)


@pytest.mark.parametrize("reason", ["", " \n"])
def test_a_record_is_not_ignored_without_a_reason(moved: Moved, reason: str) -> None:
    with pytest.raises(ReasonMissing):
        moved.ignore(reason)

    assert not IgnoredRecord.objects.exists()


def test_a_record_is_ignored_once(moved: Moved) -> None:
    moved.ignore()

    with pytest.raises(RecordNotLeft):
        moved.ignore("Once more")

    assert IgnoredRecord.objects.count() == 1


def test_what_was_not_left_is_not_ignored(world: World, moved: Moved) -> None:
    stranger = world.link_of(world.synced_cco("void"))

    for link_id in (stranger.pk, moved.link.pk, 0):
        with pytest.raises(RecordNotLeft):
            moved.ignore(former_link_id=link_id)
    world.synced_cco("present")
    with pytest.raises(RecordNotLeft):
        moved.ignore()

    assert not IgnoredRecord.objects.exists()


def test_what_is_not_ignored_does_not_stop_being_ignored(moved: Moved) -> None:
    with pytest.raises(RecordNotLeft):
        stop_ignoring_left_record(**moved.keys())

    assert moved.world.events(kind=EventKind.RECORD_NOT_IGNORED) == []


@pytest.mark.parametrize(
    "lacks",
    [
        {"commitments": Level.STANDARD},
        {"erp_integrations": Level.READ_ONLY},
        {"can_push_to_accounting": False},
    ],
)
def test_ignoring_needs_what_moving_needs(moved: Moved, lacks: dict[str, Any]) -> None:
    somebody = moved.world.person("somebody", **lacks)

    with pytest.raises(NotAllowed):
        moved.ignore(actor=actor(somebody))

    assert not IgnoredRecord.objects.exists()


def test_staff_in_the_admin_ignore_nothing(moved: Moved) -> None:
    User.objects.filter(pk=moved.approver.pk).update(is_staff=True, is_superuser=True)

    with pytest.raises(NotAllowed):
        moved.ignore(actor=actor_in_admin(User.objects.get(pk=moved.approver.pk)))

    assert not IgnoredRecord.objects.exists()


def test_a_cco_of_another_company_ignores_nothing(moved: Moved) -> None:
    with pytest.raises((RecordNotLeft, NotAllowed)):
        moved.ignore(company_id=moved.world.company.pk + 1)

    assert not IgnoredRecord.objects.exists()
