"""A CCO's page for support, also for a deleted CCO.

Events still identify a deleted CCO, and its ended links.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet
from django.urls import reverse

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.models import Company
from companies.staff_permissions import StaffAct
from erp_integrations.change_orders.history import MOST_LINES, ChangeOrderHistory, change_order_history_of
from erp_integrations.change_orders.queries import presence_of
from erp_integrations.connections.health import health_of, trouble_of
from erp_integrations.erp import registry
from erp_integrations.erp.queries import find_connection, freshness_of
from erp_integrations.models import AttemptState, ChangeOrderLink, Connection, LinkEvent, UnlinkAttempt
from erp_integrations.view_models import Freshness, Presence, RowAct

DELETED = "Deleted here; its links, attempts and events are kept."


@dataclass(frozen=True, slots=True)
class SupportPage:
    """Plain values for the template."""

    change_order_id: int
    heading: str
    facts: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, str], ...]
    """Label and URL of related rows of the admin."""
    presence: Presence | None
    """The link's presence; None without an active link."""
    last_seen_at: datetime | None
    open_attempt: str
    """Who is unlinking it, or began and did not finish; empty for none."""
    freshness: Freshness
    trouble: str
    """The problem of the connection; empty without one."""
    acts: tuple[RowAct, ...]
    story: ChangeOrderHistory


@dataclass(frozen=True, slots=True)
class _DeskRecord:
    change_order: CommitmentChangeOrder | None
    links: Sequence[ChangeOrderLink]
    company: Company
    label: str
    """The label in the ledger; only for a deleted CCO without links."""

    @property
    def active(self) -> ChangeOrderLink | None:
        return next((link for link in self.links if link.is_active), None)


def find_support_page(
    change_order_id: int, may: Callable[[str], bool], *, now: datetime
) -> SupportPage | None:
    """None when there is no trace of such a CCO. `may` checks permissions."""
    known = _find(change_order_id)
    if known is None:
        return None
    connection = find_connection(known.company)
    erp = registry.erp_name(connection.kind if connection else registry.ODBC)
    attempt = _open_attempt(known.active)
    return SupportPage(
        change_order_id=change_order_id,
        heading=_heading(known),
        facts=_facts(known),
        rows=_rows(known, connection, may),
        presence=presence_of(known.active, connection) if known.active else None,
        last_seen_at=known.active.last_seen_at if known.active else None,
        open_attempt=_describe_attempt(attempt, now=now),
        freshness=freshness_of(connection, erp=erp),
        trouble=trouble_of(health_of(connection.pk)) if connection else "",
        acts=tuple(_acts(known, attempt, may, now=now)),
        story=change_order_history_of(change_order_id, known.links, company_id=known.company.pk),
    )


def find_change_order_id(link_id: int) -> int | None:
    """The CCO of the link; None when there is no such link.

    An ended link may have lost its CCO. The event of the attempt that ended it names the CCO.
    """
    link = ChangeOrderLink.objects.filter(pk=link_id).first()
    if link is None:
        return None
    if link.change_order_id is not None:
        return link.change_order_id
    attempts = UnlinkAttempt.objects.filter(link=link).values("pk")
    events = LinkEvent.objects.filter(attempt_id__in=attempts, subject_kind="change-order")
    return events.values_list("subject_id", flat=True).first()


# --- queries -------------------------------------------------------------------------------------


def _find(change_order_id: int) -> _DeskRecord | None:
    change_order = (
        CommitmentChangeOrder.objects.filter(pk=change_order_id)
        .select_related("commitment__project__company", "commitment__vendor")
        .first()
    )
    if change_order is not None:
        links = list(_links().filter(change_order=change_order))
        return _DeskRecord(change_order, links, change_order.commitment.project.company, "")
    events = LinkEvent.objects.filter(subject_kind="change-order", subject_id=change_order_id)
    newest = events.order_by("-at", "-pk").first()
    company = Company.objects.filter(pk=newest.company_id).first() if newest else None
    if newest is None or company is None:
        return None
    told_of = events.exclude(link_id=None).values_list("link_id", flat=True).distinct()
    links = list(_links().filter(pk__in=list(told_of[:MOST_LINES])))
    return _DeskRecord(None, links, company, newest.subject_label)


def _links() -> QuerySet[ChangeOrderLink]:
    return ChangeOrderLink.objects.order_by("-linked_at", "-id")


def _open_attempt(active: ChangeOrderLink | None) -> UnlinkAttempt | None:
    if active is None:
        return None
    return UnlinkAttempt.objects.filter(link=active, state=AttemptState.CHECKING).first()


# --- text ----------------------------------------------------------------------------------------


def _heading(known: _DeskRecord) -> str:
    if known.change_order is not None:
        return str(known.change_order)
    if known.links:
        return f"CCO {known.links[0].cco_number} {known.links[0].cco_title}"
    return known.label


def _facts(known: _DeskRecord) -> tuple[tuple[str, str], ...]:
    company = ("Company", known.company.name)
    if known.change_order is not None:
        commitment = known.change_order.commitment
        return (
            company,
            ("Project", f"{commitment.project.number} {commitment.project.name}"),
            ("Commitment", str(commitment)),
            ("Contract company", commitment.vendor.name),
            ("Amount", _amount(known.change_order.amount)),
            ("Status", known.change_order.get_status_display()),
            ("ERP status", known.change_order.get_erp_status_display()),
        )
    if not known.links:
        return (company, ("Status", DELETED))
    link = known.links[0]
    return (
        company,
        ("Project", f"{link.project_number} {link.project_name}"),
        ("Commitment", f"{link.commitment_number} {link.commitment_title}"),
        ("Contract company", link.contract_company),
        *((("Amount", _amount(link.cco_amount)),) if link.cco_amount is not None else ()),
        ("Status", DELETED),
    )


def _amount(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _rows(
    known: _DeskRecord, connection: Connection | None, may: Callable[[str], bool]
) -> tuple[tuple[str, str], ...]:
    found = [("Company", "companies", "company", known.company.pk)]
    if known.change_order is not None:
        found += [
            ("CCO", "commitments", "commitmentchangeorder", known.change_order.pk),
            ("Commitment", "commitments", "commitment", known.change_order.commitment_id),
        ]
    if connection is not None:
        found.append(("Connection", "erp_integrations", "connection", connection.pk))
    return tuple(
        (label, reverse(f"admin:{app}_{model}_change", args=[pk]))
        for label, app, model, pk in found
        if may(f"{app}.view_{model}")
    )


def _describe_attempt(attempt: UnlinkAttempt | None, *, now: datetime) -> str:
    if attempt is None:
        return ""
    if attempt.expires_at > now:
        return f"{attempt.actor_name} asks about it at this moment."
    return (
        f"{attempt.actor_name} asked about it and did not come back. The next click on Unlink, or the queue "
        "within a minute, ends that attempt; until then it is stuck."
    )


def _acts(
    known: _DeskRecord, attempt: UnlinkAttempt | None, may: Callable[[str], bool], *, now: datetime
) -> list[RowAct]:
    acts = []
    if attempt is not None and attempt.expires_at <= now and may(StaffAct.FREE_ATTEMPT):
        acts.append(RowAct("Free the stuck attempt", reverse("admin:desk-free-attempt", args=[attempt.pk])))
    if known.active is not None and may(StaffAct.CHECK_NOW):
        acts.append(RowAct("Check now", reverse("admin:desk-check-now", args=[known.active.pk])))
    former = known.links[0] if known.links and known.active is None else None
    if former is not None and _may_come_back(known.change_order) and may(StaffAct.RELINK):
        acts.append(RowAct("Relink", reverse("admin:desk-relink", args=[former.pk])))
    return acts


def _may_come_back(change_order: CommitmentChangeOrder | None) -> bool:
    return change_order is not None and change_order.erp_status == ErpStatus.NOT_IN_ERP
