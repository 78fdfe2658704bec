"""What the database refuses, however it is asked: by an operation, the admin, the ORM or SQL in a shell."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, models, transaction
from django.db.models import F, ProtectedError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from commitments.models import (
    Commitment,
    CommitmentChangeOrder,
    CommitmentKind,
    ErpStatus,
    Vendor,
)
from companies.models import Project, User
from erp_integrations.erp import registry
from erp_integrations.models import (
    AttemptState,
    ChangeOrderLink,
    CommitmentLink,
    ConfirmedDeletion,
    ConfirmedDeletionRecord,
    Connection,
    IgnoredRecord,
    JobLink,
    LinkEvent,
    UnlinkAttempt,
    Via,
)
from erp_integrations.record_links import operations as record_links
from tests import factories
from tests.domain.refusing import refused_by, run
from tests.world import LINKER, World

LINK = "erp_integrations_changeorderlink"
ATTEMPT = "erp_integrations_unlinkattempt"
EVENT = "erp_integrations_linkevent"
CCO = "commitments_commitmentchangeorder"


def copy_of(row: models.Model, **changes: Any) -> models.Model:
    """The same row once more, with changes, not saved yet."""
    values = {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if not field.primary_key
    }
    return type(row)(**values | changes)


def unlinked_cco(world: World) -> CommitmentChangeOrder:
    """A CCO whose link was cut the only way there is."""
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    world.unlink(cco, by=User.objects.filter(username="approver").first() or world.person())
    cco.refresh_from_db()
    return cco


# --- Synced is the same fact as one active link ---------------------------------------------------


def test_synced_without_an_active_link(committed_world: World) -> None:
    cco = committed_world.free_cco()
    with refused_by("relink_to_the_same_record"):
        CommitmentChangeOrder.objects.filter(pk=cco.pk).update(erp_status=ErpStatus.SYNCED)
    factories.walk_to(cco, ErpStatus.READY_TO_EXPORT)
    with refused_by("synced_means_one_active_link"):
        CommitmentChangeOrder.objects.filter(pk=cco.pk).update(erp_status=ErpStatus.SYNCED)
    with refused_by("synced_means_one_active_link"):
        run(f"UPDATE {CCO} SET erp_status = 'SYNCED' WHERE id = %s", cco.pk)
    cco.refresh_from_db()
    assert cco.erp_status == ErpStatus.READY_TO_EXPORT


def test_it_is_refused_when_the_transaction_commits(committed_world: World) -> None:
    """Not only when somebody asks for it, as the helper of these tests does."""
    cco = committed_world.free_cco(erp_status=ErpStatus.READY_TO_EXPORT)
    with pytest.raises(IntegrityError), transaction.atomic():
        CommitmentChangeOrder.objects.filter(pk=cco.pk).update(erp_status=ErpStatus.SYNCED)
    cco.refresh_from_db()
    assert cco.erp_status == ErpStatus.READY_TO_EXPORT


def test_a_cco_that_begins_synced(world: World) -> None:
    with refused_by("erp_status_walks"):
        factories.ChangeOrderFactory.create(commitment=world.commitment, erp_status=ErpStatus.SYNCED)


@pytest.mark.parametrize("erp_status", [status for status in ErpStatus if status != ErpStatus.SYNCED])
def test_an_active_link_of_a_cco_that_is_not_synced(world: World, erp_status: ErpStatus) -> None:
    cco = world.synced_cco()
    with refused_by("synced_means_one_active_link", "erp_status_walks"):
        CommitmentChangeOrder.objects.filter(pk=cco.pk).update(erp_status=erp_status)
    cco.refresh_from_db()
    assert cco.erp_status == ErpStatus.SYNCED


def test_a_link_made_without_setting_the_cco_to_synced(world: World) -> None:
    link, free = world.link_of(world.synced_cco()), world.free_cco()
    with refused_by("synced_means_one_active_link"):
        copy_of(link, change_order_id=free.pk, record_number="999", subcontract_record_number="999").save()
    assert ChangeOrderLink.objects.count() == 1


def test_two_active_links_of_one_cco(world: World) -> None:
    link = world.link_of(world.synced_cco())
    with refused_by("change_order_link_one_active_per_subject"):
        copy_of(link, subcontract_record_number="999").save()
    assert ChangeOrderLink.objects.count() == 1


def test_two_active_links_to_one_record_and_subcontract(world: World) -> None:
    link, free = world.link_of(world.synced_cco()), world.free_cco()
    with refused_by("change_order_link_one_active_per_record"):
        copy_of(link, change_order_id=free.pk).save()
    assert ChangeOrderLink.objects.count() == 1


# --- a link ends with proof, and stays ------------------------------------------------------------


def close(link: ChangeOrderLink, **changes: Any) -> None:
    """Ends a link as `_cut` does, but by hand."""
    end = {"unlinked_at": timezone.now(), "unlinked_by_name": "somebody"} | changes
    ChangeOrderLink.objects.filter(pk=link.pk).update(**end)
    CommitmentChangeOrder.objects.filter(erp_links=link).update(erp_status=ErpStatus.NOT_IN_ERP)


def attempt_of(link: ChangeOrderLink, **changes: Any) -> UnlinkAttempt:
    """An attempt that found the record gone, twice, since it was made."""
    began = max(link.linked_at, timezone.now() - timedelta(seconds=30))
    values: dict[str, Any] = {
        "link": link,
        "state": AttemptState.UNLINKED,
        "started_at": began,
        "first_looked_at": began + timedelta(seconds=1),
        "second_looked_at": began + timedelta(seconds=2),
        "ended_at": began + timedelta(seconds=3),
        "expires_at": began + timedelta(seconds=15),
        "actor_id": 1,
        "actor_name": "somebody",
        "via": Via.PAGE,
        "connection_revision": 1,
        "verdict": "absent",
        "reason": "not-found-twice",
    }
    attempt: UnlinkAttempt = UnlinkAttempt.objects.create(**values | changes)
    return attempt


def test_a_link_ended_without_an_attempt(committed_world: World) -> None:
    link = committed_world.link_of(committed_world.synced_cco())
    with refused_by("change_order_link_ends_with_proof"):
        close(link)
    link.refresh_from_db()
    assert link.is_active


@pytest.mark.parametrize("state", [state for state in AttemptState if state != AttemptState.UNLINKED])
def test_a_link_ended_with_an_attempt_that_proved_nothing(world: World, state: AttemptState) -> None:
    link = world.link_of(world.synced_cco())
    ended = None if state == AttemptState.CHECKING else timezone.now()
    attempt_of(link, state=state, ended_at=ended)
    with refused_by("change_order_link_ends_with_proof"):
        close(link, unlinked_at=ended or timezone.now())
    link.refresh_from_db()
    assert link.is_active


def test_a_link_ended_with_the_proof_of_another_moment_or_of_another_link(world: World) -> None:
    link, other = world.link_of(world.synced_cco("present")), world.link_of(world.synced_cco("void"))
    with refused_by("attempt_ends_its_link"):
        close(link, unlinked_at=attempt_of(other).ended_at)
    with refused_by("attempt_ends_its_link"):
        attempt_of(other)
        close(other)
    assert ChangeOrderLink.objects.filter(unlinked_at=None).count() == 2


def test_an_attempt_that_unlinks_and_leaves_its_link(world: World) -> None:
    link = world.link_of(world.synced_cco())
    with refused_by("attempt_ends_its_link"):
        attempt_of(link)
        run("SET CONSTRAINTS ALL IMMEDIATE")
    assert not UnlinkAttempt.objects.exists()


# --- or is moved to another record ----------------------------------------------------------------


def moved_to(link: ChangeOrderLink, **changes: Any) -> models.Model:
    """The link that takes the place of one that ended a moment ago, not saved yet."""
    values = {
        "row_id": uuid.uuid4(),
        "record_number": "999",
        "moved_from_id": link.pk,
        "linked_at": link.unlinked_at,
        "unlinked_at": None,
        "unlinked_by_name": "",
        "presence_checked_at": timezone.now(),
    }
    return copy_of(link, **values | changes)


def end(link: ChangeOrderLink) -> None:
    """Ends the link and leaves its CCO Synced, as a move does."""
    link.unlinked_at, link.unlinked_by_name = timezone.now(), "somebody"
    link.save(update_fields=["unlinked_at", "unlinked_by_name"])


def test_a_link_that_is_moved_is_allowed(committed_world: World) -> None:
    """So that the refusals below are about what they name."""
    link = committed_world.link_of(committed_world.synced_cco())
    with transaction.atomic():
        end(link)
        moved_to(link).save()
    assert ChangeOrderLink.objects.get(unlinked_at=None).moved_from_id == link.pk


def test_a_link_ended_for_a_move_without_a_link_in_its_place(committed_world: World) -> None:
    link = committed_world.link_of(committed_world.synced_cco())
    with refused_by("change_order_link_ends_with_proof"):
        close(link)
    link.refresh_from_db()
    assert link.is_active


@pytest.mark.parametrize(
    "changes",
    [
        {"linked_at": timezone.now() + timedelta(hours=1)},
        {"same record": True},
        {"change_order_id": None},
    ],
    ids=["at another moment", "to the same record", "of another CCO"],
)
def test_a_link_moved(world: World, changes: dict[str, Any]) -> None:
    cco = world.synced_cco()
    link, other = world.link_of(cco), world.free_cco()
    if changes.pop("same record", False):
        changes = {"row_id": link.row_id, "record_number": link.record_number}
    if "change_order_id" in changes:
        changes = {"change_order_id": other.pk}
    with refused_by("change_order_link_moves_well"):
        end(link)
        moved_to(link, **changes).save()
    link.refresh_from_db()
    assert link.is_active


def test_a_link_moved_from_one_that_is_active(world: World) -> None:
    link, other = world.link_of(world.synced_cco()), world.free_cco()
    with refused_by("change_order_link_moves_well"):
        moved_to(link, change_order_id=other.pk, linked_at=timezone.now()).save()
    assert ChangeOrderLink.objects.count() == 1


def test_a_link_moved_from_one_that_an_unlink_has_cut(world: World) -> None:
    """Neither after the unlink, nor in the middle of one."""
    link = world.link_of(unlinked_cco(world))
    with refused_by("change_order_link_moves_well"):
        moved_to(link).save()
    assert ChangeOrderLink.objects.count() == 1


def test_a_link_moved_while_an_unlink_is_being_decided(world: World) -> None:
    link = world.link_of(world.synced_cco())
    attempt_of(link, state=AttemptState.CHECKING, ended_at=None, verdict="", expires_at=timezone.now())
    with refused_by("change_order_link_moves_well"):
        end(link)
        moved_to(link).save()
    link.refresh_from_db()
    assert link.is_active


def test_where_a_link_was_moved_from_rewritten(world: World) -> None:
    link, other = world.link_of(world.synced_cco()), world.link_of(world.synced_cco("void"))
    end(link)
    moved = moved_to(link)
    moved.save()
    for former in (None, other.pk):
        with refused_by("link_is_history"):
            ChangeOrderLink.objects.filter(pk=moved.pk).update(moved_from=former)
    with refused_by("link_is_history"):
        ChangeOrderLink.objects.filter(pk=other.pk).update(moved_from=link)


# --- a record is ignored with a reason -------------------------------------------------------------


def ignored_record(world: World, **changes: Any) -> IgnoredRecord:
    values: dict[str, Any] = {
        "connection": world.connection,
        "row_id": uuid.uuid4(),
        "record_number": "799",
        "reason": "Entered twice",
        "ignored_at": timezone.now(),
        "ignored_by_id": 1,
        "ignored_by_name": "somebody",
    }
    ignored: IgnoredRecord = IgnoredRecord.objects.create(**values | changes)
    return ignored


@pytest.mark.parametrize("changes", [{"reason": ""}, {"ignored_by_name": ""}])
def test_a_record_ignored_without(world: World, changes: dict[str, Any]) -> None:
    with refused_by("ignored_record_says_why"):
        ignored_record(world, **changes)


def test_a_record_ignored_twice_at_a_time(world: World) -> None:
    ignored = ignored_record(world)
    with refused_by("ignored_record_once"):
        ignored_record(world, row_id=ignored.row_id)


@pytest.mark.parametrize(
    "end",
    [
        {"ended_at": timezone.now() + timedelta(days=1)},
        {"ended_by_id": 1, "ended_by_name": "somebody"},
        {"ended_at": timezone.now() - timedelta(days=1), "ended_by_id": 1, "ended_by_name": "somebody"},
    ],
    ids=["by nobody", "at no time", "before it began"],
)
def test_an_ignored_record_that_ends(world: World, end: dict[str, Any]) -> None:
    ignored = ignored_record(world)
    with refused_by("ignored_record_ended_by_somebody"):
        IgnoredRecord.objects.filter(pk=ignored.pk).update(**end)


def test_an_ignored_record_rewritten_deleted_or_begun_again(world: World) -> None:
    ignored = ignored_record(world)
    with refused_by("ignored_record_ends_once"):
        IgnoredRecord.objects.filter(pk=ignored.pk).update(reason="Another reason")
    with refused_by("ignored_record_ends_once"):
        run("DELETE FROM erp_integrations_ignoredrecord")
    end = {"ended_at": timezone.now(), "ended_by_id": 1, "ended_by_name": "somebody"}
    IgnoredRecord.objects.filter(pk=ignored.pk).update(**end)
    with refused_by("ignored_record_ends_once"):
        IgnoredRecord.objects.filter(pk=ignored.pk).update(ended_at=None, ended_by_id=None, ended_by_name="")
    assert IgnoredRecord.objects.get().reason == "Entered twice"


# --- a deletion is stated by one person and confirmed by another ------------------------------------


WEEK = timedelta(days=7)


def stated_deletion(world: World, **changes: Any) -> ConfirmedDeletion:
    values: dict[str, Any] = {
        "connection": world.connection,
        "incarnation": "theirs",
        "reason": "Deleted with its job",
        "stated_at": timezone.now() - timedelta(days=2),
        "stated_by_id": 1,
        "stated_by_name": "somebody",
    }
    deletion: ConfirmedDeletion = ConfirmedDeletion.objects.create(**values | changes)
    return deletion


def confirmation(**changes: Any) -> dict[str, Any]:
    """By somebody else, now, for a week."""
    now = timezone.now()
    values: dict[str, Any] = {
        "confirmed_at": now,
        "confirmed_by_id": 2,
        "confirmed_by_name": "somebody else",
        "ends_at": now + WEEK,
    }
    return values | changes


def test_a_deletion_confirmed_by_a_second_person_or_after_the_mail_is_allowed(world: World) -> None:
    """So that the refusals below are about what they name."""
    told_at = timezone.now() - timedelta(days=1, seconds=1)
    for values in (confirmation(), confirmation(confirmed_by_id=None, told_at=told_at)):
        ConfirmedDeletion.objects.filter(pk=stated_deletion(world).pk).update(**values)
    assert ConfirmedDeletion.objects.filter(confirmed_at__isnull=False).count() == 2


NO_SECOND_PERSON: dict[str, Callable[[], dict[str, Any]]] = {
    "by the same person": lambda: confirmation(confirmed_by_id=1),
    "by nobody": lambda: confirmation(confirmed_by_name=""),
    "by nobody else, without mail": lambda: confirmation(confirmed_by_id=None),
    "too soon after the mail": lambda: confirmation(
        confirmed_by_id=None, told_at=timezone.now() - timedelta(hours=23)
    ),
    "by mail before it was stated": lambda: confirmation(
        confirmed_by_id=None, told_at=timezone.now() - timedelta(days=3)
    ),
    "before it was stated": lambda: confirmation(confirmed_at=timezone.now() - timedelta(days=3)),
    "for ever": lambda: confirmation(ends_at=None),
    "for more than a week": lambda: confirmation(ends_at=timezone.now() + WEEK + timedelta(hours=1)),
    "at no time": lambda: confirmation(confirmed_at=None),
    "by somebody at no time": lambda: {"confirmed_by_id": 2},
}


@pytest.mark.parametrize("how", NO_SECOND_PERSON)
def test_a_deletion_confirmed(world: World, how: str) -> None:
    deletion = stated_deletion(world)
    with refused_by("confirmed_deletion_by_a_second_person"):
        ConfirmedDeletion.objects.filter(pk=deletion.pk).update(**NO_SECOND_PERSON[how]())
    deletion.refresh_from_db()
    assert deletion.confirmed_at is None


@pytest.mark.parametrize("changes", [{"reason": ""}, {"stated_by_name": ""}, {"incarnation": ""}])
def test_a_deletion_stated_without(world: World, changes: dict[str, Any]) -> None:
    with refused_by("confirmed_deletion_says_why"):
        stated_deletion(world, **changes)


def test_a_statement_that_begins_confirmed_or_ended(world: World) -> None:
    end = {"ended_at": timezone.now(), "ended_why": "WITHDRAWN", "ended_by_name": "somebody"}
    for values in (confirmation(), end):
        with refused_by("confirmed_deletion_begins_unconfirmed"):
            stated_deletion(world, **values)


@pytest.mark.parametrize(
    "end",
    [
        {"ended_at": timezone.now()},
        {"ended_at": timezone.now(), "ended_why": "SEEN"},
        {"ended_at": timezone.now(), "ended_why": "BECAUSE", "ended_by_name": "somebody"},
        {"ended_why": "SEEN", "ended_by_name": "somebody"},
    ],
    ids=["for no reason", "by nobody", "for an unknown reason", "at no time"],
)
def test_a_statement_that_ends(world: World, end: dict[str, Any]) -> None:
    deletion = stated_deletion(world)
    with refused_by("confirmed_deletion_ends_for_a_reason"):
        ConfirmedDeletion.objects.filter(pk=deletion.pk).update(**end)


def test_a_statement_rewritten_confirmed_anew_revived_or_deleted(world: World) -> None:
    deletion = stated_deletion(world)
    mine = ConfirmedDeletion.objects.filter(pk=deletion.pk)
    for change in ({"reason": "Another"}, {"incarnation": "another"}, {"stated_by_id": 2}):
        with refused_by("confirmed_deletion_is_history"):
            mine.update(**change)
    mine.update(**confirmation())
    with refused_by("confirmed_deletion_is_history"):
        mine.update(ends_at=timezone.now() + timedelta(days=6))
    with refused_by("confirmed_deletion_is_history"):
        mine.update(confirmed_by_id=3)
    mine.update(ended_at=timezone.now(), ended_why="SEEN", ended_by_name="somebody")
    with refused_by("confirmed_deletion_is_history"):
        mine.update(ended_at=None, ended_why="", ended_by_name="")
    with refused_by("confirmed_deletion_is_history"):
        run("DELETE FROM erp_integrations_confirmeddeletion")
    assert mine.get().ended_why == "SEEN"


def name(deletion: ConfirmedDeletion, link: ChangeOrderLink, **changes: Any) -> ConfirmedDeletionRecord:
    values = {"link": link, "row_id": link.row_id, "record_number": link.record_number} | changes
    record: ConfirmedDeletionRecord = ConfirmedDeletionRecord.objects.create(deletion=deletion, **values)
    return record


def test_a_record_named_after_the_confirmation_or_otherwise_than_its_link(world: World) -> None:
    link, deletion = world.link_of(world.synced_cco()), stated_deletion(world)
    for changes in ({"row_id": uuid.uuid4()}, {"record_number": "799"}):
        with refused_by("confirmed_deletion_names_its_records"):
            name(deletion, link, **changes)
    ConfirmedDeletion.objects.filter(pk=deletion.pk).update(**confirmation())
    with refused_by("confirmed_deletion_names_its_records"):
        name(deletion, link)
    assert not ConfirmedDeletionRecord.objects.exists()


def test_a_named_record_changed_or_deleted(world: World) -> None:
    record = name(stated_deletion(world), world.link_of(world.synced_cco()))
    with refused_by("confirmed_deletion_record_is_history"):
        ConfirmedDeletionRecord.objects.filter(pk=record.pk).update(record_number="799")
    with refused_by("confirmed_deletion_record_is_history"):
        run("DELETE FROM erp_integrations_confirmeddeletionrecord")
    assert ConfirmedDeletionRecord.objects.get().record_number == record.record_number


@pytest.mark.parametrize(
    "table",
    [
        "joblink",
        "commitmentlink",
        "changeorderlink",
        "unlinkattempt",
        "linkevent",
        "ignoredrecord",
        "confirmeddeletion",
        "confirmeddeletionrecord",
    ],
)
def test_links_attempts_and_events_truncated(world: World, table: str) -> None:
    world.synced_cco()
    run("SET CONSTRAINTS ALL IMMEDIATE")  # a table with pending checks is not truncated anyway
    with pytest.raises(IntegrityError), transaction.atomic():
        run(f"TRUNCATE erp_integrations_{table} CASCADE")
    assert ChangeOrderLink.objects.count() == 1


def test_a_closed_links_text_rewritten(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)
    with refused_by("link_is_history"):
        ChangeOrderLink.objects.update(cco_title="Something else")
    assert world.link_of(cco).cco_title == cco.title


def test_a_link_ended_by_nobody(world: World) -> None:
    link = world.link_of(world.synced_cco())
    with refused_by("change_order_link_ended_by_somebody"):
        close(link, unlinked_by_name="")
    link.refresh_from_db()
    assert link.is_active


def test_an_active_link_that_somebody_ended(world: World) -> None:
    link = world.link_of(world.synced_cco())
    with refused_by("change_order_link_ended_by_somebody"):
        ChangeOrderLink.objects.filter(pk=link.pk).update(unlinked_by_name="somebody")


def test_a_link_that_ends_before_it_began(world: World) -> None:
    link = world.link_of(world.synced_cco())
    with refused_by("change_order_link_ended_by_somebody"):
        close(link, unlinked_at=link.linked_at - timedelta(seconds=1))


def test_a_link_that_begins_ended(world: World) -> None:
    link = world.link_of(world.synced_cco())
    with refused_by("link_begins_active"):
        copy_of(link, unlinked_at=timezone.now(), unlinked_by_name="somebody").save()


def test_a_link_of_nothing(world: World) -> None:
    link = world.link_of(world.synced_cco())
    with refused_by("change_order_link_active_has_subject"):
        ChangeOrderLink.objects.filter(pk=link.pk).update(change_order=None)


def test_a_link_that_changes_its_cco(world: World) -> None:
    cco, free = world.synced_cco(), world.free_cco()
    with refused_by("change_order_link_active_has_subject"):
        ChangeOrderLink.objects.filter(change_order=cco).update(change_order=free)
    assert world.link_of(cco).is_active


@pytest.mark.parametrize(
    "change",
    [
        {"row_id": "00000000-0000-0000-0000-000000000001"},
        {"linked_at": timezone.now()},
        {"linked_by_name": "somebody else"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_a_link_was_tied_to_and_by_whom(world: World, change: dict[str, Any]) -> None:
    link = world.link_of(world.synced_cco())
    with refused_by("link_is_history"):
        ChangeOrderLink.objects.filter(pk=link.pk).update(**change)


def test_a_closed_link_made_active_again_or_ended_anew(world: World) -> None:
    link = world.link_of(unlinked_cco(world))
    with refused_by("link_is_history"):
        ChangeOrderLink.objects.filter(pk=link.pk).update(unlinked_at=None, unlinked_by_name="")
    with refused_by("link_is_history"):
        ChangeOrderLink.objects.filter(pk=link.pk).update(unlinked_by_name="somebody else")
    with refused_by("link_is_history"):
        ChangeOrderLink.objects.filter(pk=link.pk).update(unlinked_at=timezone.now())


@pytest.mark.parametrize("model", [ChangeOrderLink, CommitmentLink, JobLink])
def test_a_link_deleted(world: World, model: type[models.Model]) -> None:
    """Active or closed, of whatever kind."""
    unlinked_cco(world)
    job = world.project.number
    contract = next(one for one in world.books.subcontracts if one.job_record_number == job).record_number
    record_links.link_job(project=world.project, record_number=job, actor=LINKER)
    record_links.link_commitment(commitment=world.commitment, record_number=contract, actor=LINKER)
    before = model._default_manager.count()
    assert before
    with refused_by("link_is_history"):
        run(f"DELETE FROM {model._meta.db_table}")
    with pytest.raises((IntegrityError, ProtectedError)), transaction.atomic():
        model._default_manager.all().delete()
    assert model._default_manager.count() == before


# --- an attempt unlinks only with proof, and ends once --------------------------------------------


SECOND = timedelta(seconds=1)
NO_PROOF: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "without looks": lambda _: {"first_looked_at": None, "second_looked_at": None},
    "without a first look": lambda _: {"first_looked_at": None},
    "without a second look": lambda _: {"second_looked_at": None},
    "with a look before it began": lambda at: {"first_looked_at": at["started_at"] - SECOND},
    "with its looks in the wrong order": lambda at: {"second_looked_at": at["first_looked_at"] - SECOND / 2},
    "with a look after it ended": lambda at: {"second_looked_at": at["ended_at"] + SECOND},
    "after it expired": lambda at: {"ended_at": at["expires_at"] + SECOND},
    "that never ended": lambda _: {"ended_at": None},
    "that found it present": lambda _: {"verdict": "present"},
    "that found it void": lambda _: {"verdict": "not-effective"},
    "that found it renumbered": lambda _: {"verdict": "renumbered"},
    "that found it half deleted": lambda _: {"verdict": "ambiguous"},
    "that missed the job": lambda _: {"verdict": "job-missing"},
    "that does not know": lambda _: {"verdict": "unknown"},
    "without verdict": lambda _: {"verdict": ""},
    "that found it replaced, without proof": lambda _: {"verdict": "replaced", "proof": ""},
}


@pytest.mark.parametrize("lacks", NO_PROOF)
def test_an_attempt_that_unlinks(world: World, lacks: str) -> None:
    link = world.link_of(world.synced_cco())
    sound = attempt_of(link, state=AttemptState.NO_ANSWER)
    changes = NO_PROOF[lacks](vars(sound))
    with refused_by("attempt_unlinks_only_with_proof", "attempt_ends_after_start"):
        copy_of(sound, state=AttemptState.UNLINKED, **changes).save()


def test_an_attempt_that_unlinks_with_everything_is_allowed(world: World) -> None:
    """So that the refusals above are about what they name."""
    link, other = world.link_of(world.synced_cco("present")), world.link_of(world.synced_cco("void"))
    close(link, unlinked_at=attempt_of(link).ended_at)
    close(other, unlinked_at=attempt_of(other, verdict="replaced", proof="history").ended_at)


def test_two_attempts_that_unlink_one_link(world: World) -> None:
    link = world.link_of(world.synced_cco())
    close(link, unlinked_at=attempt_of(link).ended_at)
    with refused_by("attempt_one_unlinks"):
        attempt_of(link)


def test_two_questions_about_one_link_at_once(world: World) -> None:
    link = world.link_of(world.synced_cco())
    attempt_of(link, state=AttemptState.CHECKING, ended_at=None)
    with refused_by("attempt_one_checking"):
        attempt_of(link, state=AttemptState.CHECKING, ended_at=None)


@pytest.mark.parametrize(("state", "ended"), [(AttemptState.NO_ANSWER, False), (AttemptState.CHECKING, True)])
def test_an_attempt_whose_state_and_end_disagree(world: World, state: AttemptState, *, ended: bool) -> None:
    link = world.link_of(world.synced_cco())
    with refused_by("attempt_ends_after_start"):
        attempt_of(link, state=state, ended_at=timezone.now() if ended else None)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "CHECKING", "ended_at": None},
        {"state": "NOT_ALLOWED"},
        {"reason": "another"},
        {"verdict": "present"},
        {"evidence": {}},
        {"actor_name": "somebody else"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_ended_attempt_changed(world: World, change: dict[str, Any]) -> None:
    cco = unlinked_cco(world)
    with refused_by("attempt_ends_once"):
        UnlinkAttempt.objects.filter(link__change_order=cco).update(**change)


@pytest.mark.parametrize("name", ["started_at", "expires_at", "actor_id", "connection_revision"])
def test_an_open_attempt_with_another_beginning(world: World, name: str) -> None:
    attempt = attempt_of(world.link_of(world.synced_cco()), state=AttemptState.CHECKING, ended_at=None)
    more: Any = SECOND if name.endswith("_at") else 1
    with refused_by("attempt_ends_once"):
        UnlinkAttempt.objects.filter(pk=attempt.pk).update(**{name: F(name) + more})


def test_an_attempt_deleted(world: World) -> None:
    unlinked_cco(world)
    attempt_of(world.link_of(world.synced_cco("void")), state=AttemptState.CHECKING, ended_at=None)
    with refused_by("attempt_ends_once"):
        run(f"DELETE FROM {ATTEMPT} WHERE state = 'CHECKING'")
    with refused_by("attempt_ends_once"):
        UnlinkAttempt.objects.all().delete()
    assert UnlinkAttempt.objects.count() == 2


# --- the ledger -----------------------------------------------------------------------------------


def test_an_event_changed_deleted_or_truncated(world: World) -> None:
    unlinked_cco(world)
    before = list(LinkEvent.objects.order_by("id").values())
    for act in (
        lambda: LinkEvent.objects.update(actor_name="somebody else"),
        LinkEvent.objects.all().delete,
        world.events()[0].delete,
        world.events()[0].save,
        lambda: run(f"UPDATE {EVENT} SET reason = ''"),
        lambda: run(f"DELETE FROM {EVENT}"),
        lambda: run(f"TRUNCATE {EVENT}"),
        lambda: run(f"TRUNCATE {EVENT} CASCADE"),
    ):
        with refused_by("event_is_for_good"):
            act()
    assert list(LinkEvent.objects.order_by("id").values()) == before


def test_two_events_of_one_attempt(world: World) -> None:
    unlinked_cco(world)
    [event] = world.events(kind="UNLINKED")
    with refused_by("event_once_per_attempt"):
        copy_of(event).save()


def test_an_event_of_nobody_or_of_no_known_kind(world: World) -> None:
    event = world.events()[0]
    with refused_by("event_has_actor"):
        copy_of(event, actor_name="").save()
    with refused_by("event_kind_known"):
        copy_of(event, kind="FORGOTTEN").save()


# --- deleting what a live link hangs on -----------------------------------------------------------


def orm_row(row: models.Model) -> None:
    row.delete()


def orm_rows(row: models.Model) -> None:
    type(row)._default_manager.filter(pk=row.pk).delete()


def sql(row: models.Model) -> None:
    if isinstance(row, CommitmentChangeOrder):
        run("DELETE FROM commitments_changeorderline WHERE change_order_id = %s", row.pk)
    run(f"DELETE FROM {row._meta.db_table} WHERE id = %s", row.pk)
    run("SET CONSTRAINTS ALL IMMEDIATE")


WAYS = [orm_row, orm_rows, sql]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("kind", [CommitmentChangeOrder, Commitment, Vendor, Project])
def test_a_synced_cco_or_what_it_hangs_on_deleted(
    world: World, kind: type[models.Model], way: Callable[[models.Model], None]
) -> None:
    cco = world.synced_cco()
    row = what_it_hangs_on(cco, kind)
    before = world.before(cco)

    with pytest.raises((ProtectedError, IntegrityError)), transaction.atomic():
        way(row)

    assert type(row)._default_manager.filter(pk=row.pk).exists()
    assert world.before(cco) == before
    assert cco.lines.count() == 1


def what_it_hangs_on(cco: CommitmentChangeOrder, kind: type[models.Model]) -> models.Model:
    rows: dict[type[models.Model], models.Model] = {
        CommitmentChangeOrder: cco,
        Commitment: cco.commitment,
        Vendor: cco.commitment.vendor,
        Project: cco.commitment.project,
    }
    return rows[kind]


def test_a_synced_cco_that_is_called_free_and_deleted_in_one_go(world: World) -> None:
    cco = world.synced_cco()
    with refused_by("change_order_link_active_has_subject"):
        run(f"UPDATE {CCO} SET erp_status = 'NOT_IN_ERP' WHERE id = %s", cco.pk)
        run("DELETE FROM commitments_changeorderline WHERE change_order_id = %s", cco.pk)
        run(f"DELETE FROM {CCO} WHERE id = %s", cco.pk)
    assert world.link_of(cco).is_active


def test_the_orm_says_what_stands_in_the_way(world: World) -> None:
    cco = world.synced_cco()
    with pytest.raises(ProtectedError) as refusal:
        cco.delete()
    assert refusal.value.protected_objects == {world.link_of(cco)}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_after_the_unlink_all_of_it_may_be_deleted_and_the_story_stays(
    world: World, way: Callable[[models.Model], None]
) -> None:
    cco = unlinked_cco(world)
    number, link = cco.pk, world.link_of(cco)
    told = [event.subject_label for event in world.events(kind="UNLINKED")]
    commitment, vendor, project = cco.commitment, cco.commitment.vendor, cco.commitment.project

    way(cco)
    way(commitment)
    way(vendor)
    if way is sql:
        run("DELETE FROM companies_projecttoolpermission WHERE project_id = %s", project.pk)
    way(project)

    assert not CommitmentChangeOrder.objects.exists()
    assert not Project.objects.exists()
    kept = ChangeOrderLink.objects.get(pk=link.pk)
    assert (kept.cco_title, kept.project_name) == (link.cco_title, "Harbor Tower")
    assert kept.change_order_id is None
    assert [attempt.state for attempt in UnlinkAttempt.objects.filter(link=link)] == ["UNLINKED"]
    [event] = world.events(kind="UNLINKED")
    assert [event.subject_label] == told
    assert event.subject_id == number


# --- the admin ------------------------------------------------------------------------------------


@pytest.fixture
def support(client: Client, world: World) -> Client:
    client.force_login(factories.UserFactory.create(username="support", is_staff=True, is_superuser=True))
    return client


def bulk_delete(client: Client, row: models.Model) -> Any:
    """Chooses the row on its list, "Delete selected", and says yes."""
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_changelist")
    return client.post(
        address, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}, follow=True
    )


def delete_page(client: Client, row: models.Model) -> Any:
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_delete", args=[row.pk])
    return client.post(address, {"post": "yes"}, follow=True)


def test_the_admins_list_tells_that_a_synced_cco_is_not_deleted(world: World, support: Client) -> None:
    cco = world.synced_cco()
    before = world.before(cco)

    answer = bulk_delete(support, cco)

    assert answer.status_code == 200
    assert "protected related objects" in answer.content.decode()
    assert f"CCO {cco.number} ↔ record {world.record_of(cco)}" in answer.content.decode()
    assert world.before(cco) == before


def test_the_admins_delete_page_is_closed_for_a_synced_cco(world: World, support: Client) -> None:
    cco = world.synced_cco()
    before = world.before(cco)

    assert delete_page(support, cco).status_code == 403

    assert world.before(cco) == before


@pytest.mark.parametrize("kind", [Commitment, Vendor, Project])
@pytest.mark.parametrize("delete", [bulk_delete, delete_page], ids=lambda delete: delete.__name__)
def test_the_admin_tells_that_what_a_synced_cco_hangs_on_is_not_deleted(
    world: World, support: Client, kind: type[models.Model], delete: Callable[[Client, models.Model], Any]
) -> None:
    cco = world.synced_cco()
    row = what_it_hangs_on(cco, kind)
    before = world.before(cco)

    answer = delete(support, row)

    assert answer.status_code == 200
    assert "protected related objects" in answer.content.decode()
    assert kind._default_manager.filter(pk=row.pk).exists()
    assert world.before(cco) == before


@pytest.mark.parametrize("delete", [bulk_delete, delete_page], ids=lambda delete: delete.__name__)
def test_the_admin_deletes_a_cco_after_its_unlink(
    world: World, support: Client, delete: Callable[[Client, models.Model], Any]
) -> None:
    cco = unlinked_cco(world)

    assert delete(support, cco).status_code == 200

    assert not CommitmentChangeOrder.objects.exists()
    assert ChangeOrderLink.objects.get().cco_title == cco.title


# --- one company, one kind ------------------------------------------------------------------------


def test_a_commitment_with_another_companys_vendor(world: World) -> None:
    stranger = factories.VendorFactory.create()
    with refused_by("commitment_same_company"):
        factories.CommitmentFactory.create(project=world.project, vendor=stranger)
    with refused_by("commitment_same_company"):
        Commitment.objects.filter(pk=world.commitment.pk).update(vendor=stranger)


def test_a_level_on_another_companys_project(world: World) -> None:
    membership = factories.MembershipFactory.create(company=world.company)
    with refused_by("project_level_same_company"):
        run(
            "INSERT INTO companies_projecttoolpermission (membership_id, project_id, tool, level)"
            " VALUES (%s, %s, 'COMMITMENTS', 3)",
            membership.pk,
            factories.ProjectFactory.create().pk,
        )


def test_a_change_order_line_of_another_commitments_line(world: World) -> None:
    cco = world.free_cco()
    line = cco.lines.get()
    other = factories.CommitmentFactory.create(project=world.project)
    of_other = other.lines.create(
        position=1, description="Steel", cost_code=line.cost_code, cost_type=line.cost_type, amount=1
    )
    with refused_by("change_order_line_same_commitment"):
        cco.lines.update(commitment_line=of_other)


def test_a_link_over_another_companys_connection(world: World) -> None:
    link = world.link_of(world.synced_cco())
    stranger = factories.ChangeOrderFactory.create()
    with refused_by("change_order_link_same_company"):
        copy_of(link, change_order_id=stranger.pk, record_number="999").save()


@pytest.mark.parametrize("kind", ["project", "membership", "vendor"])
def test_a_row_that_moves_to_another_company(world: World, kind: str) -> None:
    other = factories.CompanyFactory.create()
    world.synced_cco()
    factories.MembershipFactory.create(company=world.company)
    table = "commitments_vendor" if kind == "vendor" else f"companies_{kind}"
    with refused_by(f"{kind}_company_is_for_good"):
        run(f"UPDATE {table} SET company_id = %s", other.pk)


def test_a_purchase_orders_cco_linked(world: World) -> None:
    link = world.link_of(world.synced_cco())
    order = factories.CommitmentFactory.create(project=world.project, kind=CommitmentKind.PURCHASE_ORDER)
    cco = factories.ChangeOrderFactory.create(commitment=order)
    with refused_by("change_order_link_of_subcontract"):
        copy_of(link, change_order_id=cco.pk, record_number="999").save()


def test_a_linked_commitment_that_becomes_a_purchase_order(world: World) -> None:
    world.synced_cco()
    with refused_by("linked_commitment_stays"):
        Commitment.objects.filter(pk=world.commitment.pk).update(kind=CommitmentKind.PURCHASE_ORDER)


def test_a_linked_commitment_that_moves_to_another_company(world: World) -> None:
    world.synced_cco()
    other = factories.CommitmentFactory.create()
    with refused_by("linked_commitment_stays"):
        Commitment.objects.filter(pk=world.commitment.pk).update(project=other.project, vendor=other.vendor)


def test_a_linked_commitment_with_another_contract_company(world: World) -> None:
    world.synced_cco()
    with refused_by("linked_commitment_stays"):
        Commitment.objects.filter(pk=world.commitment.pk).update(
            vendor=factories.VendorFactory.create(company=world.company)
        )


def test_a_commitment_whose_links_are_closed_may_change(world: World) -> None:
    cco = unlinked_cco(world)
    vendor = factories.VendorFactory.create(company=world.company)
    Commitment.objects.filter(pk=cco.commitment_id).update(vendor=vendor, title="Steel and deck")
    cco.commitment.refresh_from_db()
    assert cco.commitment.vendor == vendor


def test_a_synced_cco_that_moves_to_another_commitment(world: World) -> None:
    cco = world.synced_cco()
    other = factories.CommitmentFactory.create(project=world.project)
    with refused_by("synced_stays_in_commitment"):
        CommitmentChangeOrder.objects.filter(pk=cco.pk).update(commitment=other)


# --- the connection -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"odbc_string_encrypted": "sealed"}, "connection_has_one_address"),
        ({"sandbox_path": ""}, "connection_has_one_address"),
        ({"database": ""}, "connection_names_a_database"),
        ({"accepted_by_name": ""}, "connection_accepted_by_somebody"),
        ({"accepted_at": None}, "connection_accepted_by_somebody"),
        ({"accepted_incarnation": ""}, "connection_accepted_by_somebody"),
    ],
    ids=str,
)
def test_a_connection_with_two_addresses_or_none_or_accepted_by_nobody(
    world: World, change: dict[str, Any], rule: str
) -> None:
    with refused_by(rule):
        Connection.objects.filter(pk=world.connection.pk).update(**change)


def test_two_connections_of_one_company(world: World) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        copy_of(world.fresh_connection(), kind=registry.SANDBOX).save()


def test_a_connection_with_links_deleted(world: World) -> None:
    unlinked_cco(world)
    with pytest.raises((ProtectedError, IntegrityError)), transaction.atomic():
        world.fresh_connection().delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        sql(world.fresh_connection())
    assert world.fresh_connection().accepted_incarnation


@pytest.mark.parametrize(
    "number", ["CO-X1\u200b", "CO\u2011X1", "CO\u2013X1", "0X9\n1", " 1", "\uff11", "1\u00a02", "1  2"]
)
@pytest.mark.parametrize("table", ["vendor", "commitment", "commitmentchangeorder"])
def test_a_number_that_looks_like_another(world: World, table: str, number: str) -> None:
    world.free_cco()
    names = {"commitmentchangeorder": "change_order"}
    with refused_by(f"{names.get(table, table)}_number_is_clean"):
        run(f"UPDATE commitments_{table} SET number = %s", number)


def test_a_cco_number_that_differs_from_another_only_in_case(world: World) -> None:
    factories.ChangeOrderFactory.create(commitment=world.commitment, number="CO-X1")
    with refused_by("change_order_number_once_per_commitment"):
        factories.ChangeOrderFactory.create(commitment=world.commitment, number="co-x1")


@pytest.mark.parametrize("code", ["3310", "3310.5", "3310.00", "03310.000", "3310.", "3310.000\u200b"])
def test_a_cost_code_in_another_spelling(world: World, code: str) -> None:
    with refused_by("cost_code_has_one_spelling"):
        factories.CostCodeFactory.create(company=world.company, code=code)
