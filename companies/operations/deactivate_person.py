"""Deactivates a person: the account cannot sign in, and open sessions end at once."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction

from companies.errors import AlreadyInactive, DirectoryNotAllowed, NotOneself, StaffAccount, require_reason
from companies.models import Membership, User
from companies.operations.record_support_edit import begin_edit, end_edit
from companies.staff_permissions import StaffAct, find_staff, ruling_on_staff


@transaction.atomic(durable=True)
def deactivate_person(*, user_id: int, reason: str, actor: User) -> None:
    """Deactivates the account and records it, with the reason, in the history of each of its entries.

    Entries and levels stay, for when the account is activated again. Django's admin log records it too,
    because a person may have no entry. Raises `User.DoesNotExist`, `ReasonMissing`, `DirectoryNotAllowed`,
    `NotOneself`, `StaffAccount`, `AlreadyInactive`, `LastAdministrator`.
    """
    reason = require_reason(reason)
    entries = Membership.objects.filter(user=user_id)
    edit = begin_edit(entries, actor=actor)
    person = User.objects.select_for_update().get(pk=user_id)
    ruling = ruling_on_staff(StaffAct.DEACTIVATE_PERSON, actor.pk)
    if not ruling:
        raise DirectoryNotAllowed(ruling.missing)
    if person.pk == actor.pk:
        raise NotOneself
    if (person.is_staff or person.is_superuser) and not _is_superuser(actor):
        raise StaffAccount
    if not person.is_active:
        raise AlreadyInactive
    person.is_active = False
    person.save(update_fields=["is_active"])
    end_edit(edit, entries, rights=ruling.rights, reason=reason)
    LogEntry.objects.log_actions(
        user_id=actor.pk,
        queryset=[person],
        action_flag=CHANGE,
        change_message=f"Deactivated: {reason}",
        single_object=True,
    )


def _is_superuser(actor: User) -> bool:
    staff = find_staff(actor.pk)
    return staff is not None and staff.is_superuser
