"""The order of unwinding: what must be undone before a CCO can be set to Draft, the latest first."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from commitments.models import ChangeOrderStatus, CommitmentChangeOrder, ErpStatus
from companies.access import Access
from companies.models import Company
from companies.people import Able, people_who_may
from companies.permissions import Act, ruling_on
from erp_integrations.models import ChangeOrderLink, CommitmentLink
from erp_integrations.pages import PlanStep, RowAct

ACCOUNTANT = ("an accountant, in Sage",)
ACTS = (Act.UNLINK, Act.SEND, Act.REJECT, Act.CHANGE_COMMITMENTS)


def approved_after(change_order: CommitmentChangeOrder) -> tuple[CommitmentChangeOrder, ...]:
    """The commitment's other CCOs that were approved later, the latest first."""
    later = CommitmentChangeOrder.objects.filter(
        commitment=change_order.commitment_id,
        status=ChangeOrderStatus.APPROVED,
        approved_at__isnull=False,
    ).exclude(pk=change_order.pk)
    if change_order.approved_at is not None:
        later = later.filter(approved_at__gt=change_order.approved_at)
    return tuple(later.order_by("-approved_at", "-id"))


def unwind_plan(
    company: Company, access: Access, change_order: CommitmentChangeOrder
) -> tuple[PlanStep, ...]:
    """Every step until the CCO is a draft; the same number of queries however many there are."""
    order = (*approved_after(change_order), change_order)
    project = change_order.commitment.project
    plan = _Plan(
        company=company,
        access=access,
        first=order[0],
        change_order=change_order,
        able={act: people_who_may(act, company_id=company.pk, project_id=project.pk) for act in ACTS},
        links={
            link.change_order_id: link
            for link in ChangeOrderLink.objects.filter(change_order__in=order, unlinked_at=None)
        },
    )
    return (*_invoices(change_order), *(step for one in order for step in plan.steps_of(one)))


def _invoices(change_order: CommitmentChangeOrder) -> Iterator[PlanStep]:
    """Sage's invoices are not read, so people are asked to look."""
    link = CommitmentLink.objects.filter(commitment=change_order.commitment_id, unlinked_at=None).first()
    if link is not None:
        yield PlanStep(
            f"Check the invoices on subcontract {link.record_number} in Sage. Undo those that bill a change "
            "order below.",
            ACCOUNTANT,
        )


@dataclass(frozen=True, slots=True)
class _Plan:
    company: Company
    access: Access
    first: CommitmentChangeOrder
    """The one to begin with: only this can be set to Draft now."""
    change_order: CommitmentChangeOrder
    """The one the plan is for: all are of its commitment."""
    able: dict[Act, Able]
    links: dict[int | None, ChangeOrderLink]

    def steps_of(self, one: CommitmentChangeOrder) -> Iterator[PlanStep]:
        """Out of the ERP, out of accounting's hands, and to Draft."""
        name = f"CCO {one.number}"
        status = ErpStatus(one.erp_status)
        match status:
            case ErpStatus.SYNCED:
                link = self.links[one.pk]
                yield PlanStep(
                    f"Delete change order {link.number.strip()} (record {link.record_number}) of {name} "
                    "in Sage.",
                    ACCOUNTANT,
                )
                yield self._step(Act.UNLINK, f"Unlink {name}.", "Unlink", self._page("unlink", one))
            case ErpStatus.READY_TO_EXPORT:
                url = self._team_page("change-order-retrieve", one)
                yield self._step(Act.SEND, f"Retrieve {name} from accounting.", "Retrieve from ERP", url)
            case ErpStatus.EXPORTING | ErpStatus.FAILED_TO_EXPORT:
                url = self._page("give-back", one)
                words = f"Give {name} back to the project team."
                yield self._step(Act.REJECT, words, "Give back", url, post=False)
        if one.status == ChangeOrderStatus.APPROVED:
            free = status in (ErpStatus.NOT_IN_ERP, ErpStatus.REJECTED) and one == self.first
            yield self._step(
                Act.CHANGE_COMMITMENTS,
                f"Set {name} to Draft.",
                "Set to Draft",
                self._team_page("commitment-change-order-set-to-draft", one) if free else "",
            )

    def _step(self, act: Act, words: str, label: str, url: str, *, post: bool = True) -> PlanStep:
        project = self.change_order.commitment.project
        may = ruling_on(act, self.access, project_id=project.pk, project_name=project.name)
        able = self.able[act]
        return PlanStep(words, able.names, able.more, RowAct(label, url, post) if url and may else None)

    def _page(self, name: str, one: CommitmentChangeOrder) -> str:
        return reverse(name, args=[self.company.slug, one.pk])

    def _team_page(self, name: str, one: CommitmentChangeOrder) -> str:
        number = self.change_order.commitment.project.number
        return reverse(name, args=[self.company.slug, number, one.pk])
