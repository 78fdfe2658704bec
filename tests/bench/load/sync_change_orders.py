"""Creates many Synced CCOs in SQL, with links and events. All constraints and triggers stay on."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection as database
from django.db import transaction

from commitments.models import ChangeOrderStatus, Commitment, CommitmentLine, ErpStatus
from companies.models import Company
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import RIGHTS_WITHOUT_PERSON
from erp_integrations.models import Connection, EventKind, PresenceKey, Via
from tests.bench.load.company_data import BulkChangeOrder

LOADER = Actor(user_id=None, name="Plumbline scale", via=Via.COMMAND)


@dataclass(frozen=True, slots=True)
class CompanyRows:
    """The rows that CCOs refer to."""

    company: Company
    connection: Connection
    commitments: Sequence[Commitment]
    """One for each subcontract, in their order, with project and vendor."""
    lines: Sequence[CommitmentLine]
    """The one line of each."""
    job_row_ids: dict[str, str]
    """By record number."""


_ARRIVE = """
CREATE TEMPORARY TABLE arriving (
    change_order_id bigint DEFAULT nextval(pg_get_serial_sequence('commitments_commitmentchangeorder', 'id')),
    link_id bigint DEFAULT nextval(pg_get_serial_sequence('erp_integrations_changeorderlink', 'id')),
    commitment_id bigint, commitment_line_id bigint, number text, title text, amount numeric(12, 2),
    linked_at timestamptz, linked_by text, row_id uuid, record_number text, erp_number text, job_row_id uuid,
    sub_change_number text
) ON COMMIT DROP
"""
_ARRIVING = (
    *("commitment_id", "commitment_line_id", "number", "title", "amount", "linked_at", "linked_by", "row_id"),
    *("record_number", "erp_number", "job_row_id", "sub_change_number"),
)

_STEPS = (
    # Outside the ERP, with its line, whose trigger counts the amount; then the way that every CCO takes.
    """
INSERT INTO commitments_commitmentchangeorder
    (id, commitment_id, number, title, description, status, erp_status, amount, created_at, created_by_name)
SELECT change_order_id, commitment_id, number, title, '', %(approved)s, %(outside)s, 0, linked_at, %(loader)s
FROM arriving
""",
    """
INSERT INTO commitments_changeorderline
    (change_order_id, position, commitment_line_id, description, cost_code_id, cost_type_id, amount)
SELECT change_order_id, 1, commitment_line_id, title, line.cost_code_id, line.cost_type_id, arriving.amount
FROM arriving JOIN commitments_commitmentline AS line ON line.id = commitment_line_id
""",
    """
UPDATE commitments_commitmentchangeorder SET erp_status = %(ready)s
FROM arriving WHERE id = change_order_id AND id BETWEEN %(first)s AND %(last)s
""",
    """
INSERT INTO erp_integrations_changeorderlink ({columns})
SELECT {values}
FROM arriving
JOIN commitments_commitment AS commitment ON commitment.id = arriving.commitment_id
JOIN companies_project AS project ON project.id = commitment.project_id
JOIN commitments_vendor AS vendor ON vendor.id = commitment.vendor_id
JOIN erp_integrations_commitmentlink AS subcontract
    ON subcontract.commitment_id = commitment.id AND subcontract.unlinked_at IS NULL
""",
    """
UPDATE commitments_commitmentchangeorder SET erp_status = %(synced)s
FROM arriving WHERE id = change_order_id AND id BETWEEN %(first)s AND %(last)s
""",
    """
INSERT INTO erp_integrations_linkevent
    (at, company_id, company_slug, subject_kind, subject_id, subject_label, project_number, link_id, kind,
     actor_name, via, operating_system_user, rights, reason, evidence, request_id)
SELECT link.linked_at, %(company)s, %(slug)s, 'change-order', link.change_order_id,
    'CCO ' || link.cco_number || ' "' || link.cco_title || '" (' || link.project_name || ', '
        || link.commitment_number || ')',
    link.project_number, link.id, %(linked)s, %(loader)s, %(via)s, '', %(rights)s, '',
    jsonb_build_object('record_number', link.record_number, 'number', link.number, 'row_id', link.row_id), ''
FROM arriving JOIN erp_integrations_changeorderlink AS link ON link.id = arriving.link_id
""",
)

_LINK = {
    "id": "link_id",
    "connection_id": "%(connection)s",
    "change_order_id": "change_order_id",
    "row_id": "arriving.row_id",
    "record_number": "arriving.record_number",
    "linked_at": "arriving.linked_at",
    "linked_by_name": "linked_by",
    "unlinked_by_name": "''",
    "last_seen_at": "arriving.linked_at",
    "last_seen_clock": "interval '0'",
    "touched_subcontracts": "ARRAY[subcontract.record_number]",
    "number": "erp_number",
    "job_record_number": "project.number",
    "job_row_id": "arriving.job_row_id",
    "phase": "'0'",
    "subcontract_record_number": "subcontract.record_number",
    "sub_change_number": "arriving.sub_change_number",
    "erp_amount": "arriving.amount",
    "cco_number": "arriving.number",
    "cco_title": "arriving.title",
    "cco_amount": "arriving.amount",
    "project_number": "project.number",
    "project_name": "project.name",
    "commitment_number": "commitment.number",
    "commitment_title": "commitment.title",
    "contract_company": "vendor.name",
    "presence": "%(present)s",
    "presence_checked_at": "arriving.linked_at",
}
"""Column of a link -> where it comes from. Those with a default of the database's are not here."""


def sync_change_orders(some: Sequence[BulkChangeOrder], rows: CompanyRows) -> None:
    """Creates Synced CCOs, all or none, over a connection of this thread that it closes."""
    try:
        _sync(some, rows)
    finally:
        database.close()


def _sync(some: Sequence[BulkChangeOrder], rows: CompanyRows) -> None:
    given: dict[str, str | int] = {
        "approved": ChangeOrderStatus.APPROVED,
        "outside": ErpStatus.NOT_IN_ERP,
        "ready": ErpStatus.READY_TO_EXPORT,
        "synced": ErpStatus.SYNCED,
        "present": PresenceKey.PRESENT,
        "linked": EventKind.LINKED,
        "loader": LOADER.name,
        "via": LOADER.via,
        "rights": RIGHTS_WITHOUT_PERSON[LOADER.via],
        "connection": rows.connection.pk,
        "company": rows.company.pk,
        "slug": rows.company.slug,
    }
    with transaction.atomic(durable=True), database.cursor() as cursor:
        cursor.execute(_ARRIVE)
        with cursor.copy(f"COPY arriving ({', '.join(_ARRIVING)}) FROM STDIN") as copy:
            for one in some:
                copy.write_row(
                    (
                        rows.commitments[one.commitment].pk,
                        rows.lines[one.commitment].pk,
                        one.number,
                        one.title,
                        one.record.amount,
                        one.linked_at,
                        one.linked_by,
                        one.record.row_key,
                        one.record.record_number,
                        one.record.number,
                        rows.job_row_ids[one.record.job_record_number],
                        one.record.sub_change_number,
                    )
                )
        cursor.execute("ANALYZE arriving")
        cursor.execute("SELECT min(change_order_id), max(change_order_id) FROM arriving")
        given["first"], given["last"] = cursor.fetchone()  # else all that came before are gone through
        for step in _STEPS:
            cursor.execute(step.format(columns=", ".join(_LINK), values=", ".join(_LINK.values())), given)


_FILLED = (
    "commitments_commitmentchangeorder",
    "commitments_changeorderline",
    "erp_integrations_changeorderlink",
    "erp_integrations_linkevent",
)


def vacuum() -> None:
    """Vacuums and analyzes the tables that were filled, as autovacuum would overnight."""
    with database.cursor() as cursor:
        for table in _FILLED:
            cursor.execute(f"VACUUM (ANALYZE) {table}")
