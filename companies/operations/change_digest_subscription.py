"""Whether a person gets the daily summary."""

from django.db import transaction

from companies.clock import database_now
from companies.models import DirectoryEventKind, Membership, User
from companies.operations.record_history import append_event

SUBSCRIBED = {True: "subscribed", False: "not subscribed"}


@transaction.atomic(durable=True)
def change_digest_subscription(*, company_id: int, wanted: bool, actor: User) -> None:
    """Subscribes or unsubscribes the person's own entry. Does nothing when it is so already.

    Raises `Membership.DoesNotExist` when the person has no active entry in the company.
    """
    membership = (
        Membership.objects.select_for_update(of=("self",))
        .select_related("user", "company")
        .get(company_id=company_id, user=actor, is_active=True, user__is_active=True)
    )
    if membership.subscribed_to_digest == wanted:
        return
    membership.subscribed_to_digest = wanted
    membership.save(update_fields=["subscribed_to_digest"])
    append_event(
        kind=DirectoryEventKind.DIGEST_CHANGED,
        membership=membership,
        actor=actor,
        now=database_now(),
        rights="own entry",
        what="ERP digest emails",
        before=SUBSCRIBED[not wanted],
        after=SUBSCRIBED[wanted],
    )
