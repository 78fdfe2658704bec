"""CCOs that can be sent: everything they hang on is tied to the practice Sage."""

import contextlib
import dataclasses
import sqlite3
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from commitments.models import (
    ChangeOrderLine,
    ChangeOrderStatus,
    Commitment,
    CommitmentChangeOrder,
    CommitmentLine,
    CostCode,
    CostType,
)
from companies.models import Project, User
from erp_integrations.drafts.context import Preview
from erp_integrations.erp import registry
from erp_integrations.exports import review, run_export, submit
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.serialization import as_plain
from erp_integrations.models import ChangeOrderLink, Export, Via
from erp_integrations.ports import ChangeOrderEntry, EntryLine, ErpSubcontract
from erp_integrations.record_links import operations as record_links
from erp_integrations.workflow.errors import DiffersFromOurs
from sage_adapter.sandbox.connection import COMPANY_FILE
from tests import factories
from tests.world import LINKER, World


def actor(person: User) -> Actor:
    return Actor(user_id=person.pk, name=person.name, via=Via.PAGE)


def subcontract_of(world: World, scenario: str = "present") -> ErpSubcontract:
    wanted = world.scenarios[scenario].subcontract_record_number
    return next(one for one in world.books.subcontracts if one.record_number == wanted)


def tied_commitment(world: World, subcontract: ErpSubcontract | None = None) -> Commitment:
    """A commitment with its lines, tied to the subcontract; its project and vendor tied too."""
    there = subcontract or subcontract_of(world)
    project = _project(world, there.job_record_number)
    vendor = factories.VendorFactory.create(company=world.company, number=there.vendor_record_number)
    commitment: Commitment = factories.CommitmentFactory.create(
        project=project, vendor=vendor, number=f"SC-{there.record_number}"
    )
    for line in there.lines:
        CommitmentLine.objects.create(
            commitment=commitment,
            position=line.line_number,
            description=line.description,
            cost_code=CostCode.objects.get_or_create(
                company=world.company, code=line.cost_code, defaults={"name": "Steel"}
            )[0],
            cost_type=CostType.objects.get_or_create(
                company=world.company, code=line.cost_type, defaults={"name": "Subcontract"}
            )[0],
            amount=line.amount,
        )
    if not project.erp_links.exists():
        record_links.link_job(project=project, record_number=there.job_record_number, actor=LINKER)
    record_links.link_vendor(vendor=vendor, record_number=there.vendor_record_number, actor=LINKER)
    record_links.link_commitment(commitment=commitment, record_number=there.record_number, actor=LINKER)
    return commitment


def _project(world: World, number: str) -> Project:
    if number == world.project.number:
        return world.project
    project: Project = factories.ProjectFactory.create(company=world.company, number=number)
    return project


def approved_cco(
    commitment: Commitment, *amounts: str, number: str = "900", title: str = "Added steel at grid C"
) -> CommitmentChangeOrder:
    """Approved, with a line of each amount, all on the commitment's first line."""
    cco: CommitmentChangeOrder = factories.ChangeOrderFactory.create(
        commitment=commitment, number=number, title=title, status=ChangeOrderStatus.APPROVED
    )
    first = commitment.lines.order_by("position").first()
    assert first is not None, "the subcontract has lines"
    for position, amount in enumerate(amounts or ("1234.50",), start=1):
        ChangeOrderLine.objects.create(
            change_order=cco,
            position=position,
            commitment_line=first,
            description="Steel",
            cost_code=first.cost_code,
            cost_type=first.cost_type,
            amount=Decimal(amount),
        )
    cco.refresh_from_db()
    return cco


def send(world: World, cco: CommitmentChangeOrder, *, by: User) -> Export:
    return submit.send_change_order(company_id=world.company.pk, change_order_id=cco.pk, actor=actor(by))


def preview(
    world: World, cco: CommitmentChangeOrder, *, number: str = "9-1", writer: str = "sandbox"
) -> Preview:
    return review.preview_export(
        company_id=world.company.pk, change_order_id=cco.pk, erp_number=number, writer=writer
    )


def accept(
    world: World,
    cco: CommitmentChangeOrder,
    *,
    by: User,
    number: str = "9-1",
    writer: str = "sandbox",
) -> Export:
    """Signs off whatever the preview shows."""
    return review.accept_change_order(
        company_id=world.company.pk,
        change_order_id=cco.pk,
        erp_number=number,
        writer=writer,
        token=preview(world, cco, number=number, writer=writer).token,
        actor=actor(by),
    )


def link_as_it_is(
    world: World, cco: CommitmentChangeOrder, record_number: str, *, by: User
) -> ChangeOrderLink:
    """Links it, and says yes to whatever differs."""
    keys: dict[str, Any] = {"company_id": world.company.pk, "change_order_id": cco.pk, "actor": actor(by)}
    try:
        return review.link_to_existing(**keys, record_number=record_number)
    except DiffersFromOurs as shown:
        return review.link_to_existing(**keys, record_number=record_number, seen=shown.token)


def export(world: World, cco: CommitmentChangeOrder, *, by: User) -> ChangeOrderLink:
    return run_export.export_change_order(
        company_id=world.company.pk, change_order_id=cco.pk, actor=actor(by)
    )


def status_of(cco: CommitmentChangeOrder) -> str:
    return str(CommitmentChangeOrder.objects.values_list("erp_status", flat=True).get(pk=cco.pk))


def books_of(world: World) -> list[tuple[str, str]]:
    """(record number, change number) of everything the practice Sage holds."""
    there = registry.sandbox_at(world.place).change_orders()
    return [(one.record_number, one.number) for one in there if not one.deleted]


def key_in(
    world: World,
    cco: CommitmentChangeOrder,
    *,
    amount: str | None = None,
    change: Callable[[ChangeOrderEntry], ChangeOrderEntry] = lambda entry: entry,
) -> str:
    """What an accountant does with the worksheet, with whatever goes wrong in it."""
    export = Export.objects.get(change_order=cco, ended_at=None)
    return _key_in(world, export.prepared, amount=amount, change=change)


def key_in_too_early(world: World, cco: CommitmentChangeOrder, *, amount: str | None = None) -> str:
    """An accountant who did not wait for the worksheet: under the CCO's own number."""
    shown = preview(world, cco, number=cco.number, writer="worksheet").prepared
    return _key_in(world, as_plain(dataclasses.asdict(shown)), amount=amount)


def _key_in(
    world: World,
    prepared: dict[str, Any],
    *,
    amount: str | None,
    change: Callable[[ChangeOrderEntry], ChangeOrderEntry] = lambda entry: entry,
) -> str:
    header = {field["label"]: field["value"] for field in prepared["header"]}
    entry = ChangeOrderEntry(
        number=prepared["number"],
        dated=datetime.strptime(header["Date"], "%m/%d/%Y").replace(tzinfo=UTC).date(),
        job_record_number=prepared["job_record_number"],
        phase=prepared["phase"],
        description=header["Description"],
        scope=header["Scope"],
        lines=tuple(
            EntryLine(
                vendor_record_number=prepared["vendor_record_number"],
                description=line["description"],
                subcontract_record_number=prepared["subcontract_record_number"],
                subcontract_line=line["subcontract_line"],
                sub_change_number=prepared["number"],
                cost_code=line["cost_code"],
                cost_type=line["cost_type"],
                amount=Decimal(amount or line["amount"]),
            )
            for line in prepared["lines"]
        ),
    )
    return world.sage.key_in(change(entry), user="ACCT1")


def take_number_over(world: World, table: str) -> None:
    """Every record of a table (jobs "actrec", subcontracts "subcon") is another one under the same number."""
    with contextlib.closing(sqlite3.connect(world.place / COMPANY_FILE)) as books, books:
        for (number,) in books.execute(f"SELECT recnum FROM {table}").fetchall():
            books.execute(
                f'UPDATE {table} SET "_idnum" = ? WHERE recnum = ?', (str(uuid.uuid4()).upper(), number)
            )
