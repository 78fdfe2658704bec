"""Bulk unlink: unlinks many CCOs in chunks on the queue, with the operation of the single button.

The result of an item is stored with its attempt and copied to the item. A worker may die at any time: the
next one ends the items whose attempts have ended, and starts the others again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from companies.access import find_access
from companies.clock import database_now
from companies.models import Company
from companies.queue import defer_once
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import append_event
from erp_integrations.links.look_question import draw_bulk_controls
from erp_integrations.links.record_findings import tells_of_the_record
from erp_integrations.links.settle_attempts import NOT_IN_THE_DIRECTORY
from erp_integrations.links.unlink import Outcome, unlink_change_orders
from erp_integrations.models import (
    UNFINISHED,
    AttemptState,
    BulkUnlink,
    BulkUnlinkItem,
    ChangeOrderLink,
    EventKind,
    ItemState,
    UnlinkAttempt,
    Via,
)
from erp_integrations.policies import may_cancel_bulk_unlink, may_unlink
from erp_integrations.ports import MOST_LOOKED_UP_AT_ONCE
from erp_integrations.workflow.errors import (
    AlreadyUnlinked,
    NeverLinked,
    NotAllowed,
    NothingToUnlink,
    NoTrustworthyAnswer,
    TooManyToUnlink,
)

TASK = "erp_integrations.tasks.work_on_bulk_unlink"
MOST_AT_ONCE = 10_000
MOST_TOLD = 3
MOST_TRIES = 3
"""Most times an item is started whose worker died, or whose CCO another user was unlinking."""
LEASE_BEYOND_DEADLINE = timedelta(seconds=30)
"""Longer than that of an attempt: when an item is taken over, the lease of its attempt has expired."""

NOT_ASKED = "Sage did not answer about those before it, so it was not asked about this one."
GIVEN_UP = "It was begun several times, and never came to an end."
ENDED_AS = {
    AttemptState.UNLINKED: ItemState.UNLINKED,
    AttemptState.STILL_IN_ERP: ItemState.STILL_IN_ERP,
    AttemptState.NO_ANSWER: ItemState.NO_ANSWER,
    AttemptState.NOT_ALLOWED: ItemState.NOT_ALLOWED,
}

Taken = Mapping[int, BulkUnlinkItem]
"""The items of one chunk, by CCO."""


@transaction.atomic(durable=True)
def start_bulk_unlink(*, company_id: int, change_order_ids: Sequence[int], actor: Actor) -> BulkUnlink:
    """Stores the CCOs to unlink, and queues a job, without calling the ERP.

    CCOs without an active link in this company are left out. Items that the person may not unlink end at
    once. Raises `NothingToUnlink`, `TooManyToUnlink`, `NotAllowed` when the person may unlink none.
    """
    if len(change_order_ids) > MOST_AT_ONCE:
        raise TooManyToUnlink(MOST_AT_ONCE)
    access = find_access(user_id=actor.user_id, company_id=company_id) if actor.user_id else None
    if access is None or actor.user_id is None:
        raise NotAllowed(NOT_IN_THE_DIRECTORY.missing)
    links = list(
        ChangeOrderLink.objects.filter(
            change_order_id__in=change_order_ids,
            connection__company_id=company_id,
            unlinked_at__isnull=True,
        )
        .select_related("connection", "change_order__commitment__project")
        .order_by("project_number", "commitment_number", "cco_number", "id")
    )
    if not links:
        raise NothingToUnlink
    now = database_now()
    bulk = BulkUnlink(
        company_id=company_id,
        started_at=now,
        actor_id=actor.user_id,
        actor_name=actor.name,
        request_id=actor.request_id,
    )
    items, rights = [], []
    for link in links:
        assert link.change_order is not None  # an active link has its CCO
        project = link.change_order.commitment.project
        ruling = may_unlink(access, project_id=project.pk, project_name=project.name)
        if ruling:
            rights.append(ruling.rights)
        items.append(
            BulkUnlinkItem(
                bulk=bulk,
                link=link,
                change_order_id=link.change_order.pk,
                state=ItemState.WAITING if ruling else ItemState.NOT_ALLOWED,
                reason="; ".join(ruling.missing),
                ended_at=None if ruling else now,
            )
        )
    waiting = [item for item in items if item.state == ItemState.WAITING]
    if not waiting:
        raise NotAllowed(tuple(dict.fromkeys(item.reason for item in items)))
    bulk.control_link_ids = draw_bulk_controls(
        links[0].connection, [item.link for item in items if item.state == ItemState.WAITING]
    )
    bulk.save(force_insert=True)
    BulkUnlinkItem.objects.bulk_create(items, batch_size=1000)
    _record_event(
        bulk,
        EventKind.BULK_UNLINK_STARTED,
        actor=actor,
        now=now,
        rights=_summarize_rights(rights),
        ccos=len(items),
        to_ask=len(waiting),
    )
    defer_once(TASK, lock=f"bulk-unlink-{bulk.pk}", bulk_id=bulk.pk)
    return bulk


@transaction.atomic(durable=True)
def cancel_bulk_unlink(*, company_id: int, bulk_id: int, actor: Actor) -> bool:
    """Ends the waiting items; items that are being checked continue. False when no item waited.

    Raises `DoesNotExist`, `NotAllowed`.
    """
    bulk = BulkUnlink.objects.select_for_update(no_key=True).get(pk=bulk_id, company_id=company_id)
    access = find_access(user_id=actor.user_id, company_id=company_id) if actor.user_id else None
    ruling = may_cancel_bulk_unlink(access, started_by_id=bulk.actor_id) if access else NOT_IN_THE_DIRECTORY
    if not ruling:
        raise NotAllowed(ruling.missing)
    now = database_now()
    ended = bulk.items.filter(state=ItemState.WAITING).update(state=ItemState.CANCELLED, ended_at=now)
    if not ended or bulk.cancelled_at is not None:
        return False
    bulk.cancelled_at, bulk.cancelled_by_name = now, actor.name
    bulk.save(update_fields=["cancelled_at", "cancelled_by_name"])
    _record_event(
        bulk, EventKind.BULK_UNLINK_CANCELLED, actor=actor, now=now, rights=ruling.rights, ccos=ended
    )
    _finish(bulk_id, now=now)
    return True


def process_bulk_unlink(bulk_id: int) -> None:
    """Unlinks the waiting items, chunk by chunk. Several workers may run it at the same time."""
    bulk = BulkUnlink.objects.get(pk=bulk_id)
    actor = Actor(user_id=bulk.actor_id, name=bulk.actor_name, via=Via.PAGE, request_id=bulk.request_id)
    while taken := _take(bulk_id):
        outcomes = unlink_change_orders(
            company_id=bulk.company_id,
            change_order_ids=list(taken),
            actor=actor,
            items={change_order_id: item.pk for change_order_id, item in taken.items()},
        )
        _record(bulk_id, taken, outcomes)


def queue_unfinished(now: datetime) -> None:
    """Queues a job for every bulk unlink that is not finished and that no worker holds."""
    for bulk in BulkUnlink.objects.filter(ended_at=None).order_by("id"):
        items = bulk.items.filter(state__in=UNFINISHED)
        if not items.filter(state=ItemState.CHECKING, expires_at__gt=now).exists():
            defer_once(TASK, lock=f"bulk-unlink-{bulk.pk}", bulk_id=bulk.pk)


# --- one chunk ------------------------------------------------------------------------------------


@transaction.atomic(durable=True)
def _take(bulk_id: int) -> Taken:
    """Takes the next chunk, with a lease. Items of a worker that died come first."""
    _lock(bulk_id)
    now = database_now()
    left = list(
        _locked(bulk_id).filter(state=ItemState.CHECKING, expires_at__lte=now)[:MOST_LOOKED_UP_AT_ONCE]
    )
    _end_as_attempted(left, now=now)
    again = [item for item in left if item.state == ItemState.CHECKING]
    cancelled = BulkUnlink.objects.filter(pk=bulk_id, cancelled_at__isnull=False).exists()
    for item in again:
        if cancelled:
            _end(item, ItemState.CANCELLED, now=now)
        elif item.tries >= MOST_TRIES:
            _end(item, ItemState.NO_ANSWER, now=now, reason=GIVEN_UP)
    _write(left)
    again = [item for item in again if item.state == ItemState.CHECKING]
    room = MOST_LOOKED_UP_AT_ONCE - len(again)
    taken = _without_ended_links([*again, *_locked(bulk_id).filter(state=ItemState.WAITING)[:room]], now=now)
    for item in taken:
        item.state = ItemState.CHECKING
        item.tries += 1
        item.expires_at = now + timedelta(seconds=settings.SAGE_DEADLINE_SECONDS) + LEASE_BEYOND_DEADLINE
    BulkUnlinkItem.objects.bulk_update(taken, ["state", "tries", "expires_at"])
    if not taken:
        _finish(bulk_id, now=now)
    return {item.change_order_id: item for item in taken}


def _without_ended_links(items: Sequence[BulkUnlinkItem], *, now: datetime) -> list[BulkUnlinkItem]:
    """Ends the items whose link has ended meanwhile, since the CCO may be linked to another record by now."""
    ended = dict(
        ChangeOrderLink.objects.filter(
            pk__in=[item.link_id for item in items], unlinked_at__isnull=False
        ).values_list("pk", "unlinked_by_name")
    )
    over = [item for item in items if item.link_id in ended]
    for item in over:
        _end(item, ItemState.ALREADY, now=now, reason=f"{ended[item.link_id]} had unlinked it before.")
    _write(over)
    return [item for item in items if item.link_id not in ended]


@transaction.atomic(durable=True)
def _record(bulk_id: int, taken: Taken, outcomes: Mapping[int, Outcome]) -> None:
    """Ends the items of this chunk. An item without a result keeps its lease, and is taken again after it."""
    _lock(bulk_id)
    now = database_now()
    turns = {item.pk: item.tries for item in taken.values()}
    locked = BulkUnlinkItem.objects.select_for_update().filter(pk__in=turns, state=ItemState.CHECKING)
    # An item whose lease expired belongs to another worker, which ends it.
    items = [item for item in locked.order_by("pk") if item.tries == turns[item.pk]]
    _end_as_attempted(items, now=now)
    for item in items:
        if item.state != ItemState.CHECKING:
            continue
        match outcomes.get(item.change_order_id):
            case NotAllowed(missing=missing):
                _end(item, ItemState.NOT_ALLOWED, now=now, reason="; ".join(missing))
            case AlreadyUnlinked(by=by):
                _end(item, ItemState.ALREADY, now=now, reason=f"{by} had unlinked it before.")
            case NeverLinked():
                _end(item, ItemState.ALREADY, now=now)
    _write(items)
    if _is_unreachable(outcomes):
        BulkUnlinkItem.objects.filter(bulk=bulk_id, state=ItemState.WAITING).update(
            state=ItemState.NO_ANSWER, reason=NOT_ASKED, ended_at=now
        )
    _finish(bulk_id, now=now)


def _lock(bulk_id: int) -> None:
    """Locks the bulk unlink before its items, because the last item to end ends it; see `lock_order`."""
    BulkUnlink.objects.select_for_update(no_key=True).get(pk=bulk_id)


def _locked(bulk_id: int) -> QuerySet[BulkUnlinkItem]:
    """The items that no other worker has locked, in the order of the list."""
    return BulkUnlinkItem.objects.select_for_update(skip_locked=True).filter(bulk=bulk_id).order_by("pk")


def _end_as_attempted(items: Sequence[BulkUnlinkItem], *, now: datetime) -> None:
    """Ends the items whose last attempt has ended, with its result, unless its lease expired."""
    last = {
        attempt.bulk_item_id: attempt
        for attempt in UnlinkAttempt.objects.filter(bulk_item__in=items).order_by("pk")
    }
    for item in items:
        attempt = last.get(item.pk)
        if attempt is None or attempt.state == AttemptState.CHECKING:
            continue
        if attempt.reason == "expired" and item.tries < MOST_TRIES:
            continue
        _end(item, ENDED_AS[AttemptState(attempt.state)], now=attempt.ended_at or now)


def _end(item: BulkUnlinkItem, state: ItemState, *, now: datetime, reason: str = "") -> None:
    """Sets the end in memory; `_write` stores it."""
    item.state, item.reason, item.ended_at = state, reason, now


def _write(items: Sequence[BulkUnlinkItem]) -> None:
    BulkUnlinkItem.objects.bulk_update(
        [item for item in items if item.ended_at is not None], ["state", "reason", "ended_at"]
    )


def _is_unreachable(outcomes: Mapping[int, Outcome]) -> bool:
    """Whether every lookup failed by a fault of the connection, so that the next one would fail, too."""
    questions = [one for one in outcomes.values() if not isinstance(one, (NotAllowed, AlreadyUnlinked))]
    return bool(questions) and all(
        isinstance(one, NoTrustworthyAnswer) and not tells_of_the_record(one.finding) for one in questions
    )


def _finish(bulk_id: int, *, now: datetime) -> None:
    if not BulkUnlinkItem.objects.filter(bulk=bulk_id, state__in=UNFINISHED).exists():
        BulkUnlink.objects.filter(pk=bulk_id, ended_at=None).update(ended_at=now)


def _summarize_rights(rights: Sequence[str]) -> str:
    """The rights used, for some of the projects; each CCO's own event has its own."""
    different = list(dict.fromkeys(rights))
    more = [f"{len(different) - MOST_TOLD} more"] if len(different) > MOST_TOLD else []
    return "; ".join([*different[:MOST_TOLD], *more])


def _record_event(
    bulk: BulkUnlink, kind: EventKind, *, actor: Actor, now: datetime, rights: str, **counts: int
) -> None:
    append_event(
        kind=kind,
        company=Company.objects.get(pk=bulk.company_id),
        subject_kind="bulk-unlink",
        subject_id=bulk.pk,
        subject_label=str(bulk),
        actor=actor,
        now=now,
        rights=rights,
        evidence=counts,
    )
