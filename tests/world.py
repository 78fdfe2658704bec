"""A small company that works: people, a project, CCOs and a real practice Sage behind a real connection."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from django.db import transaction

from commitments.models import Commitment, CommitmentChangeOrder, ErpStatus
from companies.clock import database_now
from companies.models import (
    Company,
    CompanyTool,
    CompanyToolPermission,
    DirectoryEventKind,
    Level,
    Membership,
    Project,
    ProjectTool,
    ProjectToolPermission,
    User,
)
from companies.operations.record_history import append_event
from erp_integrations.connections import connect
from erp_integrations.erp import registry
from erp_integrations.ledger.actors import Actor
from erp_integrations.links import create_link
from erp_integrations.links.unlink import Unlinked, unlink_change_order
from erp_integrations.models import ChangeOrderLink, Connection, LinkEvent, UnlinkAttempt, Via
from erp_integrations.ports import ErpSandbox, SandboxCompany, SandboxScenario
from sage_adapter.sandbox.company import BETWEEN_DELETIONS
from sage_adapter.sandbox.writer import open_books
from tests import factories

LINKER = Actor(user_id=None, name="Loader", via=Via.DEMO)


def give_privilege(person: User) -> None:
    """Can Push to Accounting back to somebody who has an entry: with its event, or the database refuses."""
    with transaction.atomic():
        for membership in person.memberships.select_related("user", "company"):
            append_event(
                kind=DirectoryEventKind.PRIVILEGE_GRANTED,
                membership=membership,
                actor=None,
                actor_name=LINKER.name,
                now=database_now(),
                rights="a test",
                what="Can Push to Accounting",
            )
        person.memberships.update(can_push_to_accounting=True)


@dataclass(frozen=True, slots=True)
class Before:
    """What must be the same after a refusal."""

    link: tuple[object, ...]
    erp_status: str
    unlinked_events: int


class World:
    """Harbor Point. Rows are made when they are asked for; Sage is there from the start."""

    def __init__(self, practice_folder: Path, *, slug: str = "harbor-point") -> None:
        self.company: Company = factories.CompanyFactory.create(slug=slug, name="Harbor Point Builders")
        self.place = practice_folder
        self.deletions = 0
        self.sage: ErpSandbox = registry.sandbox_at(practice_folder)
        self.books: SandboxCompany = self.sage.company()
        self.scenarios: dict[str, SandboxScenario] = {s.key: s for s in self.books.scenarios}
        self.connection = connect.set_connection(
            company=self.company,
            address=connect.Address(
                kind=registry.SANDBOX, database=self.books.name, sandbox_path=practice_folder
            ),
            actor=LINKER,
        )
        connect.check_connection(connection_id=self.connection.pk, actor=LINKER)

    # --- people ---

    def person(
        self,
        username: str = "approver",
        *,
        commitments: Level = Level.ADMIN,
        erp_integrations: Level = Level.STANDARD,
        directory: Level = Level.NONE,
        can_push_to_accounting: bool = True,
    ) -> User:
        """Somebody in the company's Directory, with these levels on every project there is by now."""
        user: User = factories.UserFactory.create(username=username)
        membership: Membership = factories.MembershipFactory.create(
            company=self.company, user=user, can_push_to_accounting=can_push_to_accounting
        )
        CompanyToolPermission.objects.create(
            membership=membership, tool=CompanyTool.ERP_INTEGRATIONS, level=erp_integrations
        )
        if directory:
            CompanyToolPermission.objects.create(
                membership=membership, tool=CompanyTool.DIRECTORY, level=directory
            )
        for project in Project.objects.filter(company=self.company):
            ProjectToolPermission.objects.create(
                membership=membership, project=project, tool=ProjectTool.COMMITMENTS, level=commitments
            )
        return user

    def erp_admin(self) -> User:
        """Who may accept another database."""
        return self.person("erp-admin", erp_integrations=Level.ADMIN)

    # --- what is tied to Sage ---

    @cached_property
    def project(self) -> Project:
        project: Project = factories.ProjectFactory.create(
            company=self.company, number="2611", name="Harbor Tower"
        )
        return project

    @cached_property
    def commitment(self) -> Commitment:
        commitment: Commitment = factories.CommitmentFactory.create(project=self.project)
        return commitment

    def free_cco(
        self, *, erp_status: ErpStatus = ErpStatus.NOT_IN_ERP, amount: str = "100.00"
    ) -> CommitmentChangeOrder:
        """A CCO that is not tied to anything."""
        change_order: CommitmentChangeOrder = factories.ChangeOrderFactory.create(commitment=self.commitment)
        factories.ChangeOrderLineFactory.create(change_order=change_order, amount=amount)
        factories.walk_to(change_order, erp_status)
        return change_order

    def synced_cco(self, scenario: str = "present") -> CommitmentChangeOrder:
        """A CCO tied to the record of that scenario, which is still there, whatever its name says."""
        change_order = self.free_cco(erp_status=ErpStatus.READY_TO_EXPORT)
        self.link(change_order, scenario)
        change_order.refresh_from_db()
        return change_order

    def link(
        self, change_order: CommitmentChangeOrder, scenario: str, *, subcontract: str = ""
    ) -> ChangeOrderLink:
        """Ties a CCO that waits for accounting to that scenario's record, on its subcontract or another."""
        wanted = self.scenarios[scenario]
        return create_link.link_change_order(
            change_order_id=change_order.pk,
            record_number=wanted.record_number,
            subcontract_record_number=subcontract or wanted.subcontract_record_number,
            actor=LINKER,
        )

    def link_again(self, change_order: CommitmentChangeOrder) -> ChangeOrderLink:
        """Ties a CCO that waits for accounting to the record it was tied to before."""
        before = self.link_of(change_order)
        return create_link.link_change_order(
            change_order_id=change_order.pk,
            record_number=before.record_number,
            subcontract_record_number=before.subcontract_record_number,
            actor=LINKER,
        )

    def record_of(self, change_order: CommitmentChangeOrder) -> str:
        return self.link_of(change_order).record_number

    def link_of(self, change_order: CommitmentChangeOrder) -> ChangeOrderLink:
        link = ChangeOrderLink.objects.filter(change_order=change_order).order_by("-id").first()
        assert link is not None
        return link

    def link_of_any(self, change_order_id: int) -> ChangeOrderLink:
        """The newest link of that CCO, read anew."""
        link = ChangeOrderLink.objects.filter(change_order_id=change_order_id).order_by("-id").first()
        assert link is not None
        return link

    def delete_in_sage(self, change_order: CommitmentChangeOrder) -> None:
        """As a person does it: each deletion some seconds after the one before."""
        self.deletions += 1
        at = datetime.now(UTC) + BETWEEN_DELETIONS * self.deletions
        with open_books(self.place) as books:
            books.delete(self.record_of(change_order), user="ACCT2", at=at)

    # --- acting and looking ---

    def unlink(self, change_order: CommitmentChangeOrder, *, by: User) -> Unlinked:
        return unlink_change_order(
            company_id=self.company.pk,
            change_order_id=change_order.pk,
            actor=Actor(user_id=by.pk, name=by.name, via=Via.PAGE),
        )

    def fresh_connection(self) -> Connection:
        return Connection.objects.get(pk=self.connection.pk)

    def before(self, change_order: CommitmentChangeOrder) -> Before:
        """A snapshot to compare with after a refusal."""
        link = self.link_of(change_order)
        return Before(
            link=(link.pk, link.unlinked_at, link.row_id, link.change_order_id),
            erp_status=CommitmentChangeOrder.objects.get(pk=change_order.pk).erp_status,
            unlinked_events=LinkEvent.objects.filter(kind="UNLINKED").count(),
        )

    def attempts(self, change_order: CommitmentChangeOrder) -> list[UnlinkAttempt]:
        return list(UnlinkAttempt.objects.filter(link__change_order=change_order).order_by("id"))

    def events(
        self, *, kind: str | None = None, subject: CommitmentChangeOrder | None = None
    ) -> list[LinkEvent]:
        events = LinkEvent.objects.filter(company_id=self.company.pk)
        if kind:
            events = events.filter(kind=kind)
        if subject:  # a link's number alone says little: each table of links counts its own
            events = events.filter(subject_kind="change-order", subject_id=subject.pk)
        return list(events.order_by("id"))
