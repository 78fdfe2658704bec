"""Can Push to Accounting: requested in the Directory, decided by support, never for oneself."""

from django.db import transaction
from django.urls import reverse

from companies.access import find_access
from companies.clock import database_now
from companies.errors import (
    AlreadyDecided,
    AlreadyGranted,
    AlreadyRequested,
    DirectoryNotAllowed,
    EntryNotActive,
    NotForOneself,
    NotGranted,
    require_reason,
)
from companies.mail import link_to, queue_mail
from companies.models import (
    DirectoryEventKind,
    Membership,
    Outcome,
    PrivilegeRequest,
    User,
)
from companies.operations.record_history import append_event
from companies.policies import may_change_levels
from companies.staff_permissions import StaffAct, ruling_on_staff

PRIVILEGE = "Can Push to Accounting"
HISTORY = {
    Outcome.GRANTED: (DirectoryEventKind.PRIVILEGE_GRANTED, "no", "yes"),
    Outcome.REFUSED: (DirectoryEventKind.PRIVILEGE_REFUSED, "requested", "refused"),
}
"""The history entry of a decision: kind, before, after."""


@transaction.atomic(durable=True)
def request_privilege(*, company_id: int, membership_id: int, reason: str, actor: User) -> PrivilegeRequest:
    """Requests the privilege for oneself or, as a company administrator, for another person.

    Raises `Membership.DoesNotExist` when the company has no such entry, `ReasonMissing`,
    `DirectoryNotAllowed`, `EntryNotActive`, `AlreadyGranted`, `AlreadyRequested`.
    """
    reason = require_reason(reason)
    membership = _lock(membership_id, company_id=company_id)
    access = find_access(user_id=actor.pk, company_id=company_id)
    if access is None:
        raise DirectoryNotAllowed(("Needs an active entry in the Directory",))
    rights = "own entry"
    if membership.user_id != actor.pk:
        ruling = may_change_levels(access)
        if not ruling:
            raise DirectoryNotAllowed(ruling.missing)
        rights = ruling.rights
    _refuse_inactive(membership)
    if membership.can_push_to_accounting:
        raise AlreadyGranted
    waiting = membership.privilege_requests.filter(outcome=Outcome.WAITING).first()
    if waiting:
        raise AlreadyRequested(by=waiting.asked_by_name, at=waiting.asked_at)
    now = database_now()
    request = PrivilegeRequest.objects.create(
        membership=membership,
        asked_at=now,
        asked_by_id=actor.pk,
        asked_by_name=actor.name,
        reason=reason,
    )
    append_event(
        kind=DirectoryEventKind.PRIVILEGE_REQUESTED,
        membership=membership,
        actor=actor,
        now=now,
        rights=rights,
        what=PRIVILEGE,
        before="no",
        after="requested",
        reason=reason,
    )
    return request


@transaction.atomic(durable=True)
def grant_privilege(*, request_id: int, words: str, actor: User) -> None:
    """Grants the request, effective at once. Mails the person and the requester.

    Raises `PrivilegeRequest.DoesNotExist`, `ReasonMissing`, `DirectoryNotAllowed`, `NotForOneself`,
    `AlreadyDecided`, `EntryNotActive`, `AlreadyGranted`.
    """
    words = require_reason(words)
    request, membership = _lock_request(request_id)
    rights = _rights_to_decide(actor, membership)
    _refuse_decided(request)
    _refuse_inactive(membership)
    if membership.can_push_to_accounting:
        raise AlreadyGranted
    membership.can_push_to_accounting = True
    membership.save(update_fields=["can_push_to_accounting"])
    _decide(request, membership, Outcome.GRANTED, words=words, rights=rights, actor=actor)


@transaction.atomic(durable=True)
def refuse_privilege(*, request_id: int, words: str, actor: User) -> None:
    """Refuses the request. Mails the person and the requester.

    Raises `PrivilegeRequest.DoesNotExist`, `ReasonMissing`, `DirectoryNotAllowed`, `NotForOneself`,
    `AlreadyDecided`.
    """
    words = require_reason(words)
    request, membership = _lock_request(request_id)
    rights = _rights_to_decide(actor, membership)
    _refuse_decided(request)
    _decide(request, membership, Outcome.REFUSED, words=words, rights=rights, actor=actor)


@transaction.atomic(durable=True)
def revoke_privilege(*, membership_id: int, words: str, actor: User) -> None:
    """Revokes the privilege, effective at once. Mails the person.

    Raises `Membership.DoesNotExist`, `ReasonMissing`, `DirectoryNotAllowed`, `NotForOneself`, `NotGranted`.
    """
    words = require_reason(words)
    membership = _lock(membership_id)
    rights = _rights_to_decide(actor, membership)
    if not membership.can_push_to_accounting:
        raise NotGranted
    membership.can_push_to_accounting = False
    membership.save(update_fields=["can_push_to_accounting"])
    append_event(
        kind=DirectoryEventKind.PRIVILEGE_REVOKED,
        membership=membership,
        actor=actor,
        now=database_now(),
        rights=rights,
        what=PRIVILEGE,
        before="yes",
        after="no",
        reason=words,
    )
    queue_mail(
        to=membership.user,
        subject=f"{PRIVILEGE} was revoked in {membership.company.name}",
        body=_body(membership, f"{actor.name} of support revoked {PRIVILEGE}: {words}"),
        about=f"directory entry {membership.pk}",
    )


# --- helpers -------------------------------------------------------------------------------------


def _lock(membership_id: int, **company: int) -> Membership:
    return (
        Membership.objects.select_for_update(of=("self",))
        .select_related("user", "company")
        .get(pk=membership_id, **company)
    )


def _lock_request(request_id: int) -> tuple[PrivilegeRequest, Membership]:
    """Locks the entry first, in the same order as every operation, and then the request."""
    membership_id = PrivilegeRequest.objects.values_list("membership_id", flat=True).get(pk=request_id)
    membership = _lock(membership_id)
    return PrivilegeRequest.objects.select_for_update().get(pk=request_id), membership


def _rights_to_decide(actor: User, membership: Membership) -> str:
    ruling = ruling_on_staff(StaffAct.DECIDE_PRIVILEGE, actor.pk)
    if not ruling:
        raise DirectoryNotAllowed(ruling.missing)
    if membership.user_id == actor.pk:
        raise NotForOneself
    return ruling.rights


def _refuse_decided(request: PrivilegeRequest) -> None:
    if request.outcome != Outcome.WAITING:
        raise AlreadyDecided(by=request.decided_by_name)


def _refuse_inactive(membership: Membership) -> None:
    if not (membership.is_active and membership.user.is_active):
        raise EntryNotActive


def _decide(
    request: PrivilegeRequest,
    membership: Membership,
    outcome: Outcome,
    *,
    words: str,
    rights: str,
    actor: User,
) -> None:
    """Ends the request, records the event and queues the mails."""
    now = database_now()
    request.outcome, request.words = outcome, words
    request.decided_at, request.decided_by_id, request.decided_by_name = now, actor.pk, actor.name
    request.save()
    kind, before, after = HISTORY[outcome]
    append_event(
        kind=kind,
        membership=membership,
        actor=actor,
        now=now,
        rights=rights,
        what=PRIVILEGE,
        before=before,
        after=after,
        reason=words,
    )
    _mail_decision(request, membership)


def _mail_decision(request: PrivilegeRequest, membership: Membership) -> None:
    decided = request.get_outcome_display().lower()
    recipients = User.objects.filter(pk__in={membership.user_id, request.asked_by_id}).order_by("id")
    for person in recipients:
        queue_mail(
            to=person,
            subject=f"{PRIVILEGE} was {decided} for {membership.user.name} in {membership.company.name}",
            body=_body(
                membership,
                f"{request.asked_by_name} asked for {PRIVILEGE} for {membership.user.name}: {request.reason}",
                f"{request.decided_by_name} of support {decided} it: {request.words}",
            ),
            about=f"request for the privilege {request.pk}",
        )


def _body(membership: Membership, *paragraphs: str) -> str:
    entry = reverse("directory-person", args=[membership.company.slug, membership.pk])
    return "\n\n".join((*paragraphs, f"The entry in the Directory: {link_to(entry)}")) + "\n"
