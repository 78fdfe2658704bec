"""States, confirms and withdraws that records were deleted in the ERP.

A statement replaces the proof by the job and the controls of a look, never the look itself, and only after a
second ERP admin has confirmed it. In a company with one ERP admin, it counts 24 hours after all company
administrators and ERP admins got a mail. Locks: the connection first, then the statement.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from companies.clock import StatementClock, database_now
from companies.errors import require_reason
from companies.models import Company, CompanyTool, OutgoingMail, User
from companies.queries import members_with_level
from companies.queue import defer_once
from erp_integrations.ledger.actors import PLUMBLINE, Actor
from erp_integrations.ledger.events import append_event_of_connection, label_of
from erp_integrations.models import (
    ChangeOrderLink,
    ConfirmedDeletion,
    ConfirmedDeletionRecord,
    Connection,
    DeletionEnd,
    EventKind,
    PresenceKey,
)
from erp_integrations.models.confirmed_deletions import AFTER_MAIL, COUNTS_FOR
from erp_integrations.policies import may_state_deletion
from erp_integrations.workflow.errors import (
    DatabaseNotAccepted,
    NotAllowed,
    NotLinkedRecords,
    OwnStatement,
    RecordSeen,
    StatementOver,
    TooManyRecords,
)
from erp_integrations.workflow.link_status import SEEN
from erp_integrations.workflow.notifications import mail_stated_deletion, name_of_deletion_mail
from erp_integrations.workflow.transitions import access_of, require

TELL = "erp_integrations.tasks.tell_of_deletion"
MOST_RECORDS = 50
NO_SECOND_ADMIN = "the rule for a single ERP admin (all administrators told by mail 24 hours before)"
NOT_IN_THE_ADMIN = ("Needs a person of the company: staff of the admin state and confirm no deletion",)


def state_deletion(
    *, company_id: int, record_numbers: Collection[str], reason: str, actor: Actor
) -> ConfirmedDeletion:
    """States that these records of active links were deleted in the ERP. It does not count yet.

    Every company administrator and ERP admin gets a mail, by the queue. Raises `NotAllowed`, `ReasonMissing`,
    `TooManyRecords`, `DatabaseNotAccepted`, `NotLinkedRecords`, and `RecordSeen` when the last look has seen
    a record, or there was no look: only a record that a look did not find can be stated.
    """
    reason = require_reason(reason)
    with transaction.atomic(durable=True):
        rights = _rights(actor, company_id=company_id)
        wanted = tuple(dict.fromkeys(record_numbers))
        if len(wanted) > MOST_RECORDS:
            raise TooManyRecords(MOST_RECORDS)
        connection = _lock_connection(company_id)
        if not connection.accepted_incarnation:
            raise DatabaseNotAccepted
        links = _links(connection, wanted)
        now = database_now()
        assert actor.user_id is not None, "anonymous actors were refused above"
        deletion: ConfirmedDeletion = ConfirmedDeletion.objects.create(
            connection=connection,
            incarnation=connection.accepted_incarnation,
            reason=reason,
            stated_at=now,
            stated_by_id=actor.user_id,
            stated_by_name=actor.name,
        )
        ConfirmedDeletionRecord.objects.bulk_create(
            ConfirmedDeletionRecord(
                deletion=deletion, link=link, row_id=link.row_id, record_number=link.record_number
            )
            for link in links
        )
        _record_event(
            EventKind.DELETION_STATED, deletion, actor=actor, now=now, rights=rights, reason=deletion.reason
        )
        defer_once(TELL, lock=f"deletion-stated-{deletion.pk}", deletion_id=deletion.pk)
    return deletion


@transaction.atomic(durable=True)
def tell_administrators(deletion_id: int) -> None:
    """Queues a mail to every company administrator and ERP admin who got none about the statement yet."""
    deletion = (
        ConfirmedDeletion.objects.select_for_update(of=("self",))
        .select_related("connection__company")
        .get(pk=deletion_id)
    )
    _mailed_at(deletion)


@transaction.atomic(durable=True)
def confirm_deletion(*, company_id: int, deletion_id: int, actor: Actor) -> ConfirmedDeletion:
    """Confirms another ERP admin's statement: it counts for seven days from now.

    Raises `NotAllowed`, `OwnStatement`, `StatementOver`, `DatabaseNotAccepted`, `DoesNotExist`.
    """
    rights = _rights(actor, company_id=company_id)
    deletion = _lock_open(company_id, deletion_id)
    if deletion.stated_by_id == actor.user_id:
        raise OwnStatement
    now = database_now()
    _confirm(deletion, by_id=actor.user_id, by_name=actor.name, now=now)
    _record_event(EventKind.DELETION_CONFIRMED, deletion, actor=actor, now=now, rights=rights)
    return deletion


@transaction.atomic(durable=True)
def withdraw_deletion(*, company_id: int, deletion_id: int, actor: Actor) -> ConfirmedDeletion:
    """Ends a statement, confirmed or not, for all its records. Raises `NotAllowed`, `StatementOver`."""
    rights = _rights(actor, company_id=company_id)
    connection = _lock_connection(company_id)
    deletion = _lock(connection, deletion_id)
    now = database_now()
    if deletion.ended_at is not None or (deletion.ends_at is not None and deletion.ends_at <= now):
        raise StatementOver
    _end(deletion, DeletionEnd.WITHDRAWN, by=actor.name, now=now)
    _record_event(EventKind.DELETION_WITHDRAWN, deletion, actor=actor, now=now, rights=rights)
    return deletion


def find_confirmations(
    connection: Connection, row_ids: Collection[UUID], now: datetime | StatementClock
) -> dict[UUID, ConfirmedDeletion]:
    """By row id: the latest confirmed statement about the accepted database that names the record."""
    if not row_ids or not connection.accepted_incarnation:
        return {}
    records = (
        ConfirmedDeletionRecord.objects.filter(
            row_id__in=row_ids,
            deletion__in=ConfirmedDeletion.objects.filter(
                connection=connection,
                incarnation=connection.accepted_incarnation,
                confirmed_at__lte=now,
                ends_at__gt=now,
                ended_at=None,
            ),
        )
        .select_related("deletion")
        .order_by("deletion_id")
    )
    return {record.row_id: record.deletion for record in records}


def end_seen_deletions(
    connection: Connection, row_ids_seen: Collection[UUID], now: datetime, *, actor: Actor = PLUMBLINE
) -> None:
    """Ends every open statement that names a record which is there after all, for all its records.

    In the caller's transaction, which has locked the connection.
    """
    if not row_ids_seen:
        return
    named = ConfirmedDeletionRecord.objects.filter(
        deletion__connection=connection, deletion__ended_at=None, row_id__in=row_ids_seen
    )
    seen = dict(named.values_list("deletion_id", "record_number"))
    for deletion in ConfirmedDeletion.objects.select_for_update().filter(pk__in=seen, ended_at=None):
        _end(deletion, DeletionEnd.SEEN, by=actor.name, now=max(now, deletion.stated_at))
        _record_event(
            EventKind.DELETION_ENDED,
            deletion,
            actor=actor,
            now=now,
            reason=f"record {seen[deletion.pk]} is in Sage",
        )


# --- companies with one ERP admin ----------------------------------------------------------------


def confirm_told_deletions(now: datetime) -> None:
    """Confirms statements of the only ERP admin of a company, 24 hours after the last mail.

    A person who became an administrator meanwhile gets the mail first, and the 24 hours begin again. An
    administrator without an address cannot get it: then the statement waits for a second ERP admin.
    """
    waiting = ConfirmedDeletion.objects.filter(confirmed_at=None, ended_at=None).order_by("id")
    for deletion_id, company_id in waiting.values_list("pk", "connection__company_id"):
        with transaction.atomic(durable=True):
            _confirm_if_told(company_id, deletion_id, now=now)


def _confirm_if_told(company_id: int, deletion_id: int, *, now: datetime) -> None:
    connection = _lock_connection(company_id)
    deletion = _lock(connection, deletion_id)
    over = deletion.confirmed_at is not None or deletion.ended_at is not None
    if over or deletion.incarnation != connection.accepted_incarnation:
        return
    told_at = _mailed_at(deletion)
    if [person.pk for person in _erp_admins(connection.company)] != [deletion.stated_by_id]:
        return
    if told_at is None or told_at + AFTER_MAIL > now:
        return
    _confirm(deletion, by_id=None, by_name=NO_SECOND_ADMIN, now=now, told_at=told_at)
    _record_event(EventKind.DELETION_CONFIRMED, deletion, actor=PLUMBLINE, now=now)


def _mailed_at(deletion: ConfirmedDeletion) -> datetime | None:
    """When the last administrator got the mail; None until all did. Queues missing mails."""
    people = {
        name_of_deletion_mail(deletion, to=one): one for one in _administrators(deletion.connection.company)
    }
    mails = dict(OutgoingMail.objects.filter(once__in=people).values_list("once", "sent_at"))
    for once, person in people.items():
        if once not in mails:
            records = [_named(record.link) for record in deletion.records.select_related("link")]
            mail_stated_deletion(deletion, to=person, records=records)
    sent = [mails.get(once) for once in people]
    times = [at for at in sent if at is not None]
    return max(times) if times and len(times) == len(sent) else None


def _erp_admins(company: Company) -> list[User]:
    entries = members_with_level(company, CompanyTool.ERP_INTEGRATIONS)
    return [entry.user for entry in entries.select_related("user").order_by("user_id")]


def _administrators(company: Company) -> list[User]:
    """Every ERP admin and company administrator, each once."""
    directory = members_with_level(company, CompanyTool.DIRECTORY)
    people = {person.pk: person for person in _erp_admins(company)}
    people |= {entry.user_id: entry.user for entry in directory.select_related("user")}
    return [people[user_id] for user_id in sorted(people)]


# --- rows ----------------------------------------------------------------------------------------


def _rights(actor: Actor, *, company_id: int) -> str:
    if actor.is_staff:
        raise NotAllowed(NOT_IN_THE_ADMIN)
    return require(may_state_deletion(access_of(actor, company_id=company_id)))


def _lock_connection(company_id: int) -> Connection:
    return (
        Connection.objects.select_for_update(no_key=True, of=("self",))
        .select_related("company")
        .get(company_id=company_id)
    )


def _lock(connection: Connection, deletion_id: int) -> ConfirmedDeletion:
    deletion: ConfirmedDeletion = ConfirmedDeletion.objects.select_for_update().get(
        pk=deletion_id, connection=connection
    )
    deletion.connection = connection
    return deletion


def _lock_open(company_id: int, deletion_id: int) -> ConfirmedDeletion:
    """A statement that waits for confirmation, locked. Raises `StatementOver`, `DatabaseNotAccepted`."""
    connection = _lock_connection(company_id)
    deletion = _lock(connection, deletion_id)
    if deletion.ended_at is not None or deletion.confirmed_at is not None:
        raise StatementOver
    if deletion.incarnation != connection.accepted_incarnation:
        raise DatabaseNotAccepted
    return deletion


def _links(connection: Connection, record_numbers: Sequence[str]) -> list[ChangeOrderLink]:
    """The active links of those records, by id, without locks."""
    links = list(
        ChangeOrderLink.objects.filter(
            connection=connection, record_number__in=record_numbers, unlinked_at=None
        ).order_by("pk")
    )
    found = {link.record_number for link in links}
    if not links or len(found) < len(record_numbers):
        raise NotLinkedRecords(tuple(one for one in record_numbers if one not in found))
    for link in links:
        if link.presence in SEEN or link.presence == PresenceKey.UNCHECKED:
            raise RecordSeen(link.record_number)
    return links


def _confirm(
    deletion: ConfirmedDeletion,
    *,
    by_id: int | None,
    by_name: str,
    now: datetime,
    told_at: datetime | None = None,
) -> None:
    deletion.confirmed_at, deletion.ends_at, deletion.told_at = now, now + COUNTS_FOR, told_at
    deletion.confirmed_by_id, deletion.confirmed_by_name = by_id, by_name
    deletion.save()


def _end(deletion: ConfirmedDeletion, why: DeletionEnd, *, by: str, now: datetime) -> None:
    deletion.ended_at, deletion.ended_why, deletion.ended_by_name = now, why, by
    deletion.save()


def _named(link: ChangeOrderLink) -> str:
    return f"record {link.record_number}: {label_of(link)}"


def _record_event(
    kind: EventKind,
    deletion: ConfirmedDeletion,
    *,
    actor: Actor,
    now: datetime,
    rights: str = "",
    reason: str = "",
) -> None:
    records = deletion.records.order_by("pk").values_list("record_number", "row_id")
    append_event_of_connection(
        deletion.connection,
        kind,
        actor=actor,
        now=now,
        rights=rights,
        reason=reason,
        evidence={
            "deletion": deletion.pk,
            "incarnation": deletion.incarnation,
            "stated_by": deletion.stated_by_name,
            **({"confirmed_by": deletion.confirmed_by_name} if deletion.confirmed_at else {}),
            **({"counts_until": deletion.ends_at.isoformat()} if deletion.ends_at else {}),
            "records": [{"record_number": number, "row_id": str(row_id)} for number, row_id in records],
        },
    )
