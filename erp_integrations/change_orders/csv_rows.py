"""What a view of the list shows as rows of a file, streamed: however many there are, few are in memory."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils import timezone

from companies.access import Access
from companies.models import Company
from erp_integrations.change_orders.link_filters import filtered_links
from erp_integrations.change_orders.list_query import ListQuery
from erp_integrations.change_orders.queries import OF_A_ROW
from erp_integrations.change_orders.waiting_rows import ORDER, rows_of, waiting
from erp_integrations.erp.queries import connection_of
from erp_integrations.listing.streaming import AT_ONCE, one_by_one
from erp_integrations.models import Connection, Drift, PresenceKey
from erp_integrations.workflow.link_status import checked_at

LINK_HEADINGS = (
    *("Project number", "Project", "Commitment number", "Commitment", "Contract company"),
    *("CCO", "Title", "Amount", "Sage number", "Sage record", "Linked", "Linked by"),
    *("Sage says", "Said at", "Changed in Sage"),
)
WAITING_HEADINGS = ("Project", "Commitment", "Contract company", "CCO", "Title", "Amount")

PRESENCE_WORDS: dict[str, str] = {key.value: key.label for key in PresenceKey}
DRIFT_WORDS: dict[str, str] = {one.value: one.label for one in Drift}


def head_and_rows(company: Company, access: Access, query: ListQuery) -> Iterator[list[list[str]]]:
    """Chunks of rows: first the column headings, then the rows of the view, in its order.

    The rows come from one cursor, so all are of one snapshot. Times are ISO 8601 in the current time zone,
    amounts plain numbers in the company's currency. Holds a transaction open until it is exhausted or closed.
    """
    if query.shows_links:
        yield [list(LINK_HEADINGS)]
        yield from _links(company, query)
    else:
        yield from _waiting(company, access, query)


def _links(company: Company, query: ListQuery) -> Iterator[list[list[str]]]:
    connection = connection_of(company)
    links = (
        filtered_links(company, query).order_by(*query.order.terms()).values_list(*OF_A_ROW[4:], named=True)
    )
    with transaction.atomic(), one_by_one(links, AT_ONCE) as found:
        while chunk := list(islice(found, AT_ONCE)):
            yield [_link(link, connection) for link in chunk]


def _link(link: Any, connection: Connection | None) -> list[str]:
    said_at = checked_at(link, connection) if connection else link.presence_checked_at
    return [
        link.project_number,
        link.project_name,
        link.commitment_number,
        link.commitment_title,
        link.contract_company,
        link.cco_number,
        link.cco_title,
        _money(link.cco_amount),
        link.number,
        link.record_number,
        _moment(link.linked_at),
        link.linked_by_name,
        PRESENCE_WORDS[link.presence],
        _moment(said_at),
        ", ".join(DRIFT_WORDS[one] for one in link.drift),
    ]


def _waiting(company: Company, access: Access, query: ListQuery) -> Iterator[list[list[str]]]:
    rows = waiting(company, query).select_related("commitment__vendor", "commitment__project")
    headed = False
    with transaction.atomic(), one_by_one(rows.order_by(*ORDER.terms()), AT_ONCE) as found:
        while (chunk := list(islice(found, AT_ONCE))) or not headed:
            shown = rows_of(company, access, chunk)
            if not headed:
                headed = True
                yield [[*WAITING_HEADINGS, *(fact.label for row in shown[:1] for fact in row.facts)]]
            yield [
                [
                    *(row.project, row.commitment, row.contract_company, row.number, row.title),
                    _money(row.amount),
                    *(" ".join(filter(None, (_moment(fact.at), fact.words))) for fact in row.facts),
                ]
                for row in shown
            ]
            if not chunk:
                return


def _money(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:.2f}"


def _moment(at: datetime | None) -> str:
    return "" if at is None else timezone.localtime(at).isoformat(timespec="seconds")
