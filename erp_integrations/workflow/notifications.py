"""Mails of ERP Integrations. Call each function in the transaction of the change that it reports."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.mail import link_to, queue_mail
from companies.models import Company, Membership, OutgoingMail, User
from companies.queries import accounting_approvers
from erp_integrations.models import ConfirmedDeletion

SUMMARY_HOUR = 6
"""From when on, by the clock of TIME_ZONE, a day's summary goes out: as soon as anything waits."""
MOST_ITEMS = 200


def mail_rejection(*, change_order_id: int, sender_id: int | None, rejected_by: str, reason: str) -> None:
    """Tells the sender of a CCO that accounting rejected it, and why. No mail where the sender left."""
    change_order = _change_order(change_order_id)
    for sender in _members(change_order, [sender_id] if sender_id else []):
        queue_mail(
            to=sender,
            subject=f"ERP CCO Rejection Notification: {_name(change_order)}",
            body=_text(
                f"{rejected_by} rejected {_place(change_order)}:",
                reason,
                "Correct it, and click Re-send to ERP:",
                _project_page(change_order),
            ),
            about=f"CCO {change_order_id}, rejected",
        )


def mail_failure(*, change_order_id: int, export_id: int, accepted_by_id: int | None, failure: str) -> None:
    """Tells who accepted a CCO, and every subscribed approver, that its export failed, the same day.

    Once for an export, from its acceptance to its end: a person who tries again reads the result on the page
    and in the list.
    """
    change_order = _change_order(change_order_id)
    company = change_order.commitment.project.company
    recipients = set(_subscribed(company).values_list("user_id", flat=True))
    recipients |= {accepted_by_id} if accepted_by_id else set()
    for approver in _members(change_order, recipients):
        queue_mail(
            to=approver,
            subject=f"ERP export failed: {_name(change_order)}",
            body=_text(
                f"The export of {_place(change_order)} failed:",
                failure,
                "Retry it, or give it back to the project team:",
                _list_page(company, "failed-to-export"),
            ),
            about=f"CCO {change_order_id}, export failed",
            once=f"export-failed/{export_id}/{approver.pk}",
        )


def mail_stated_deletion(deletion: ConfirmedDeletion, *, to: User, records: Sequence[str]) -> None:
    """Tells an administrator which records are stated to be deleted in the ERP. Once for a person."""
    company = deletion.connection.company
    queue_mail(
        to=to,
        subject=f"Deletion in Sage stated: {company.name}",
        body=_text(
            f"{deletion.stated_by_name} states that these records were deleted in Sage, not archived and not "
            "lost:",
            "\n".join(f"- {record}" for record in records),
            f"Reason: {deletion.reason}",
            "Once a second ERP admin has confirmed it, their CCOs can be unlinked although Sage alone cannot "
            "prove it. Where the company has one ERP admin only, that is so 24 hours after this mail was "
            "sent to every administrator. If it is not true, withdraw it:",
            link_to(reverse("connection", args=[company.slug])) + "#deletions",
        ),
        about=f"stated deletion {deletion.pk}",
        once=name_of_deletion_mail(deletion, to=to),
    )


def name_of_deletion_mail(deletion: ConfirmedDeletion, *, to: User) -> str:
    """The unique name of a person's mail about a statement."""
    return f"deletion-stated/{deletion.pk}/{to.pk}"


def queue_daily_summaries(now: datetime) -> None:
    """Tells every subscribed approver once a day what waits in Ready to Export, as long as anything does.

    However often and by how many workers it is called: there is one mail for a person, company and day.
    """
    today = timezone.localtime(now)
    if today.hour < SUMMARY_HOUR:
        return
    waiting = Company.objects.filter(
        projects__commitments__change_orders__erp_status=ErpStatus.READY_TO_EXPORT
    )
    for company in waiting.distinct().order_by("id"):
        _queue_summaries(company, day=f"{today:%Y-%m-%d}")


def _queue_summaries(company: Company, *, day: str) -> None:
    approvers = {
        f"daily-summary/{company.pk}/{entry.user_id}/{day}": entry.user
        for entry in _subscribed(company).select_related("user")
    }
    queued = OutgoingMail.objects.filter(once__in=approvers).values_list("once", flat=True)
    missing = {once: approver for once, approver in approvers.items() if once not in set(queued)}
    if not missing:
        return
    subject, body = _summary(company)
    with transaction.atomic(durable=True):
        for once, approver in missing.items():
            queue_mail(to=approver, subject=subject, body=body, about=f"summary of {day}", once=once)


def _summary(company: Company) -> tuple[str, str]:
    items = list(
        CommitmentChangeOrder.objects.filter(
            commitment__project__company=company, erp_status=ErpStatus.READY_TO_EXPORT
        )
        .select_related("commitment__project", "commitment__vendor")
        .order_by("commitment__project__number", "commitment__number", "number", "id")[: MOST_ITEMS + 1]
    )
    lines = [
        f"- {_place(item)}, {item.commitment.vendor.name}, ${item.amount:,.2f}" for item in items[:MOST_ITEMS]
    ]
    if len(items) > MOST_ITEMS:
        lines.append("- and more")
    body = _text(
        f"These CCOs of {company.name} wait in Ready to Export:",
        "\n".join(lines),
        _list_page(company, "ready-to-export"),
        "You get this because your entry in the Directory is subscribed to the ERP digest. To stop it:",
        link_to(reverse("directory-own", args=[company.slug])),
    )
    return f"ERP Integrations Daily Summary: {company.name}", body


# --- recipients and text -------------------------------------------------------------------------


def _subscribed(company: Company) -> QuerySet[Membership]:
    return accounting_approvers(company).filter(subscribed_to_digest=True)


def _members(change_order: CommitmentChangeOrder, ids: Iterable[int]) -> Iterable[User]:
    """The users among `ids` who are active in the company: only they may read about its CCOs."""
    return User.objects.filter(
        pk__in=ids,
        is_active=True,
        memberships__is_active=True,
        memberships__company=change_order.commitment.project.company,
    ).order_by("id")


def _change_order(change_order_id: int) -> CommitmentChangeOrder:
    return CommitmentChangeOrder.objects.select_related("commitment__project__company").get(
        pk=change_order_id
    )


def _name(change_order: CommitmentChangeOrder) -> str:
    return f"CCO {change_order.number} of {change_order.commitment.number}"


def _place(change_order: CommitmentChangeOrder) -> str:
    project = change_order.commitment.project
    return f'{_name(change_order)} "{change_order.title}" ({project.number} {project.name})'


def _project_page(change_order: CommitmentChangeOrder) -> str:
    project = change_order.commitment.project
    arguments = [project.company.slug, project.number, change_order.pk]
    return link_to(reverse("commitment-change-order", args=arguments))


def _list_page(company: Company, view: str) -> str:
    return link_to(reverse("change-orders", args=[company.slug]) + f"?view={view}")


def _text(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs) + "\n"
