"""One look that is only shown: fifty records by one question, some hundred over one connection.

It asks the same tables by the same keys as a look that may cut, and comes to the same steps; but rows that
came back are counted here, and not by the server.
"""

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from erp_integrations.ports import ChangeOrderReference, ErpError, error_for
from sage_adapter import rows, verdict
from sage_adapter.faults import fault
from sage_adapter.handshake import Greeting
from sage_adapter.look import (
    AT_ONCE,
    MOST_ROWS_OF_MANY,
    Keys,
    Outcome,
    Seen,
    ask_carriers,
    ask_history,
    or_fault,
    padded,
    seen,
    with_headers,
)
from sage_adapter.session import Session

_JOB, _HEADER, _LINE, _SUBCONTRACT, _COMPANY = range(5)
"""The kinds of rows that glance_many.sql gives."""


def begin(
    session: Session, references: Sequence[ChangeOrderReference], greeting: Greeting, asked_at: datetime
) -> list[Outcome]:
    """Steps 2 to 4 for each, with what history tells of every record that is not there. Raises `ErpError`."""
    outcomes: list[Outcome] = []
    for start in range(0, len(references), AT_ONCE):
        some = _begin(session, references[start : start + AT_ONCE], greeting, asked_at)
        gone = [
            one
            for one in some
            if isinstance(one, Seen) and not (one.counts.headers and one.counts.jobs_same_row)
        ]
        ask_history(session, gone, greeting)
        outcomes += some
    return outcomes


def carriers(
    session: Session, found: Sequence[Seen], greeting: Greeting
) -> list[verdict.Carriers | ErpError]:
    """Who may carry the number of each now."""
    told: list[verdict.Carriers | ErpError] = []
    for start in range(0, len(found), AT_ONCE):
        told += ask_carriers(session, found[start : start + AT_ONCE], greeting)
    return told


def _begin(
    session: Session, references: Sequence[ChangeOrderReference], greeting: Greeting, asked_at: datetime
) -> list[Outcome]:
    keys = [or_fault(Keys.of, reference) for reference in references]
    asked = [one for one in keys if isinstance(one, Keys)]
    if not asked:
        return [one for one in keys if isinstance(one, ErpError)]
    columns = [[getattr(one, name) for one in asked] for name in ("job", "row_id", "record", "subcontract")]
    params = [param for column in columns for param in padded(column, AT_ONCE)]
    found = _Found(session.ask("glance_many", params, limit=MOST_ROWS_OF_MANY).rows)
    outcomes: list[Outcome] = [
        one
        if isinstance(one, ErpError)
        else or_fault(seen, reference, one, found.counts(reference, one), greeting, asked_at)
        for reference, one in zip(references, keys, strict=True)
    ]
    return with_headers(session, outcomes)


class _Found:
    """The rows that came back, by what they are."""

    def __init__(self, answer: Sequence[tuple[Any, ...]]) -> None:
        self._jobs, self._subcontracts = Counter[int](), Counter[int]()
        self._same_jobs = Counter[tuple[int, uuid.UUID]]()
        self._headers = Counter[uuid.UUID]()
        self._lines = Counter[tuple[int, int]]()
        company: int | None = None
        with rows.refused_unless_understood():
            for kind, recnum, idnum, vndctc in answer:
                what = rows.whole(kind)
                if what == _HEADER:
                    # Asked for by its row id; what else of it cannot be read is no other record's trouble.
                    self._headers[rows.row_id(idnum)] += 1
                    continue
                number = rows.whole(recnum)
                if what == _JOB:
                    self._jobs[number] += 1
                    if (job := rows.or_none(rows.row_id, idnum)) is not None:
                        self._same_jobs[number, job] += 1
                elif what == _LINE and vndctc is not None:
                    self._lines[number, rows.whole(vndctc)] += 1
                elif what == _SUBCONTRACT:
                    self._subcontracts[number] += 1
                elif what == _COMPANY:
                    company = number
        if company is None:  # the answer has no end
            raise error_for(fault("no-count"))
        self._company = company

    def counts(self, reference: ChangeOrderReference, keys: Keys) -> rows.Presence:
        return rows.Presence(
            jobs=self._company,
            jobs_with_number=self._jobs[keys.job],
            jobs_same_row=self._same_jobs[keys.job, reference.job_row_id],
            headers=self._headers[reference.row_id],
            lines=self._lines[keys.record, keys.subcontract],
            subcontracts=self._subcontracts[keys.subcontract],
        )
