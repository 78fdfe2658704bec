"""The unwind plan: what must be undone before a CCO can be set to Draft, the latest first."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from commitments.models import ChangeOrderStatus, CommitmentChangeOrder, ErpStatus
from commitments.operations.change_status import find_later_approved
from companies.access import Access
from companies.models import Company, Project
from companies.permissions import Act, ruling_on
from companies.queries import PeopleAllowed, find_people_allowed
from erp_integrations.models import ChangeOrderLink, CommitmentLink
from erp_integrations.view_models import PlanStep, RowAct

ACCOUNTANT = ("an accountant, in Sage",)
ACTS = (Act.UNLINK, Act.SEND, Act.REJECT, Act.CHANGE_COMMITMENTS)


@dataclass(frozen=True, slots=True)
class _PlannedChangeOrder:
    """A CCO to set to Draft."""

    change_order_id: int
    number: str
    erp_status: ErpStatus
    approved: bool
    first: bool
    """Whether no CCO approved later comes first."""


def unwind_plan(
    company: Company, access: Access, change_order: CommitmentChangeOrder
) -> tuple[PlanStep, ...]:
    """Every step until the CCO is a draft; a constant number of queries.

    Its commitment and project must be loaded.
    """
    order = _in_order(change_order)
    project = change_order.commitment.project
    links = ChangeOrderLink.objects.filter(
        change_order__in=[one.change_order_id for one in order], unlinked_at=None
    )
    plan = _PlanBuilder(
        company=company,
        access=access,
        project=project,
        allowed={act: find_people_allowed(act, company_id=company.pk, project_id=project.pk) for act in ACTS},
        links={link.change_order_id: link for link in links},
    )
    return (*_invoices(change_order), *(step for one in order for step in plan.steps_of(one)))


def _in_order(change_order: CommitmentChangeOrder) -> tuple[_PlannedChangeOrder, ...]:
    later = find_later_approved(change_order)
    return (
        *(
            _PlannedChangeOrder(
                one.change_order_id, one.number, one.erp_status, approved=True, first=one == later[0]
            )
            for one in later
        ),
        _PlannedChangeOrder(
            change_order.pk,
            change_order.number,
            ErpStatus(change_order.erp_status),
            approved=change_order.status == ChangeOrderStatus.APPROVED,
            first=not later,
        ),
    )


def _invoices(change_order: CommitmentChangeOrder) -> Iterator[PlanStep]:
    """Plumbline does not read Sage's invoices, so a person must check them."""
    link = CommitmentLink.objects.filter(commitment=change_order.commitment_id, unlinked_at=None).first()
    if link is not None:
        yield PlanStep(
            f"Check the invoices on subcontract {link.record_number} in Sage. Undo those that bill a change "
            "order below.",
            ACCOUNTANT,
        )


@dataclass(frozen=True, slots=True)
class _PlanBuilder:
    company: Company
    access: Access
    project: Project
    allowed: dict[Act, PeopleAllowed]
    links: dict[int | None, ChangeOrderLink]

    def steps_of(self, one: _PlannedChangeOrder) -> Iterator[PlanStep]:
        """The steps for one CCO: out of the ERP, back to the project team, to Draft."""
        name = f"CCO {one.number}"
        match one.erp_status:
            case ErpStatus.SYNCED:
                link = self.links[one.change_order_id]
                yield PlanStep(
                    f"Delete change order {link.number.strip()} (record {link.record_number}) of {name} "
                    "in Sage.",
                    ACCOUNTANT,
                )
                unlink = RowAct("Unlink", self._page("unlink", one), post=True)
                yield self._step(Act.UNLINK, f"Unlink {name}.", unlink)
            case ErpStatus.READY_TO_EXPORT:
                retrieve = RowAct(
                    "Retrieve from ERP", self._team_page("change-order-retrieve", one), post=True
                )
                yield self._step(Act.SEND, f"Retrieve {name} from accounting.", retrieve)
            case ErpStatus.EXPORTING | ErpStatus.FAILED_TO_EXPORT:
                give_back = RowAct("Give back", self._page("give-back", one))
                yield self._step(Act.REJECT, f"Give {name} back to the project team.", give_back)
        if one.approved:
            to_draft = RowAct(
                "Set to Draft", self._team_page("commitment-change-order-set-to-draft", one), post=True
            )
            free = one.erp_status in (ErpStatus.NOT_IN_ERP, ErpStatus.REJECTED)
            yield self._step(
                Act.CHANGE_COMMITMENTS, f"Set {name} to Draft.", to_draft, now=free and one.first
            )

    def _step(self, act: Act, words: str, button: RowAct, *, now: bool = True) -> PlanStep:
        may = ruling_on(act, self.access, project_id=self.project.pk, project_name=self.project.name)
        allowed = self.allowed[act]
        return PlanStep(words, allowed.names, allowed.more, button if now and may else None)

    def _page(self, name: str, one: _PlannedChangeOrder) -> str:
        return reverse(name, args=[self.company.slug, one.change_order_id])

    def _team_page(self, name: str, one: _PlannedChangeOrder) -> str:
        return reverse(name, args=[self.company.slug, self.project.number, one.change_order_id])
