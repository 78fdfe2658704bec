"""A CCO as it is handed to a writer, made of our own rows; and as plain JSON, to be kept with its export."""

import dataclasses
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from commitments.models import (
    ChangeOrderLine,
    ChangeOrderStatus,
    CommitmentChangeOrder,
    CommitmentKind,
)
from erp_integrations.drafts.validation import BrokenRule, ExportSubject
from erp_integrations.ledger.serialization import as_plain
from erp_integrations.models import CommitmentLineLink, CommitmentLink, Connection, JobLink, VendorLink
from erp_integrations.ports import (
    ChangeOrderDraft,
    DraftLine,
    ErpChangeOrderFound,
    ErpSubcontract,
    ErpSubcontractLine,
    OddRecord,
    PreparedChangeOrder,
    PreparedField,
    PreparedLine,
)


@dataclass(frozen=True, slots=True)
class ErpLinks:
    """What a CCO hangs on in the ERP, all of it there."""

    connection: Connection
    job: JobLink
    vendor: VendorLink
    commitment: CommitmentLink


@dataclass(frozen=True, slots=True)
class ExportContext:
    """A CCO and everything in the ERP that it hangs on; None for what is not tied."""

    change_order: CommitmentChangeOrder
    lines: tuple[ChangeOrderLine, ...]
    connection: Connection | None
    job: JobLink | None
    vendor: VendorLink | None
    commitment: CommitmentLink | None
    line_links: Mapping[int, CommitmentLineLink] = field(default_factory=dict)
    """By the id of the commitment's line."""

    @property
    def ties(self) -> ErpLinks:
        """All four. The rules must hold: they say in words what is missing."""
        assert self.connection is not None, "rule connected"
        assert self.job is not None, "rule job-linked"
        assert self.vendor is not None, "rule vendor-linked"
        assert self.commitment is not None, "rule commitment-linked"
        return ErpLinks(self.connection, self.job, self.vendor, self.commitment)


def export_context_of(change_order: CommitmentChangeOrder) -> ExportContext:
    """Six queries. The CCO's commitment, project and contract company must be there."""
    commitment = change_order.commitment
    connection = Connection.objects.filter(company_id=commitment.project.company_id).first()
    lines = change_order.lines.select_related("cost_code", "cost_type", "commitment_line")
    line_links = CommitmentLineLink.objects.filter(link__commitment=commitment, link__unlinked_at=None)
    return ExportContext(
        change_order=change_order,
        lines=tuple(lines.order_by("position", "id")),
        connection=connection,
        job=JobLink.objects.filter(project=commitment.project_id, unlinked_at=None).first(),
        vendor=VendorLink.objects.filter(vendor=commitment.vendor_id, unlinked_at=None).first(),
        commitment=CommitmentLink.objects.filter(commitment=commitment, unlinked_at=None).first(),
        line_links={one.commitment_line_id: one for one in line_links if one.commitment_line_id},
    )


def subject_of(papers: ExportContext, *, erp_number: str = "") -> ExportSubject:
    """What the rules look at."""
    change_order, commitment = papers.change_order, papers.change_order.commitment
    return ExportSubject(
        number=change_order.number,
        title=change_order.title,
        status=ChangeOrderStatus(change_order.status),
        kind=CommitmentKind(commitment.kind),
        lines=len(papers.lines),
        contract_company=commitment.vendor.name,
        commitment=f"{commitment.number} {commitment.title}",
        project=commitment.project.name,
        connected=bool(papers.connection and papers.connection.accepted_incarnation),
        job_linked=papers.job is not None,
        vendor_linked=papers.vendor is not None,
        commitment_linked=papers.commitment is not None,
        description=change_order.description,
        added_codes=tuple(
            dict.fromkeys(line.cost_code.code for line in papers.lines if line.commitment_line_id is None)
        ),
        lines_not_linked=tuple(
            line.commitment_line.position
            for line in papers.lines
            if line.commitment_line and line.commitment_line_id not in papers.line_links
        ),
        erp_number=erp_number,
    )


def lines_gone(papers: ExportContext, subcontract: ErpSubcontract) -> tuple[int, ...]:
    """The positions of the commitment's lines that the CCO changes and the subcontract does not hold now."""
    there = {one.row_id for one in subcontract.lines}
    return tuple(
        line.commitment_line.position
        for line in papers.lines
        if line.commitment_line and papers.line_links[line.commitment_line.pk].row_id not in there
    )


def draft_of(
    papers: ExportContext, subcontract: ErpSubcontract, *, key: uuid.UUID, number: str, dated: date
) -> ChangeOrderDraft:
    """The CCO in the ERP's terms. The rules must hold, and every line that it changes must be there."""
    ties = papers.ties
    there = {one.row_id: one for one in subcontract.lines}
    return ChangeOrderDraft(
        key=key,
        number=number.strip(),
        dated=dated,
        title=papers.change_order.title,
        description=papers.change_order.description,
        job_record_number=ties.job.record_number,
        phase=subcontract.phase,
        subcontract_record_number=ties.commitment.record_number,
        vendor_record_number=ties.vendor.record_number,
        lines=tuple(
            DraftLine(
                position=line.position,
                description=line.description,
                cost_code=line.cost_code.code,
                cost_type=line.cost_type.code,
                amount=line.amount,
                **_changed_line(line, papers, there),
            )
            for line in papers.lines
        ),
        lines_there=tuple(str(one.line_number) for one in subcontract.lines),
    )


def _changed_line(
    line: ChangeOrderLine, papers: ExportContext, there: Mapping[uuid.UUID | None, ErpSubcontractLine]
) -> dict[str, str]:
    """The very line of the subcontract that this one changes, by its row id; empty where it adds one."""
    if line.commitment_line_id is None:
        return {"subcontract_line": ""}
    changed = there[papers.line_links[line.commitment_line_id].row_id]
    return {
        "subcontract_line": str(changed.line_number),
        "subcontract_line_words": f"{changed.description}, {changed.amount:,.2f}",
    }


@dataclass(frozen=True, slots=True)
class Preview:
    """What Sage would hold, and what it holds already that looks like it."""

    draft: ChangeOrderDraft
    prepared: PreparedChangeOrder
    by_hand: bool
    same_number: tuple[ErpChangeOrderFound, ...]
    same_amount: tuple[ErpChangeOrderFound, ...]
    subject: ExportSubject
    """The CCO as the rules see it, now that the ERP was asked."""
    notices: tuple[BrokenRule, ...] = ()
    odd: tuple[OddRecord, ...] = ()
    """Records of the job and the subcontract that cannot be read: what they hold was not compared."""

    @property
    def number_is_taken(self) -> bool:
        """Whether a record carries the number on the job already, be it one that cannot be read."""
        return bool(self.subject.same_number)

    @property
    def token(self) -> str:
        """Names exactly what was shown, so that nothing else is signed off."""
        shown = json.dumps(as_plain(dataclasses.asdict(self.prepared)), sort_keys=True)
        return hashlib.sha256(shown.encode()).hexdigest()


# --- as JSON -------------------------------------------------------------------------------------


def draft_from_json(kept: dict[str, Any]) -> ChangeOrderDraft:
    """The draft that `evidence.as_plain` made plain."""
    return ChangeOrderDraft(
        **{
            **kept,
            "key": uuid.UUID(kept["key"]),
            "dated": date.fromisoformat(kept["dated"]),
            "lines": tuple(
                DraftLine(**{**line, "amount": Decimal(line["amount"])}) for line in kept["lines"]
            ),
        }
    )


def prepared_from_json(kept: dict[str, Any]) -> PreparedChangeOrder:
    """The prepared change order that `evidence.as_plain` made plain."""
    lines = tuple(_line_from_json(line) for line in kept["lines"])
    return PreparedChangeOrder(**{**kept, "header": _fields_from_json(kept["header"]), "lines": lines})


def _line_from_json(kept: dict[str, Any]) -> PreparedLine:
    return PreparedLine(
        **{
            **kept,
            "amount": Decimal(kept["amount"]),
            "made_of": tuple(kept["made_of"]),
            "cells": _fields_from_json(kept["cells"]),
        }
    )


def _fields_from_json(kept: list[dict[str, str]]) -> tuple[PreparedField, ...]:
    return tuple(PreparedField(**one) for one in kept)
