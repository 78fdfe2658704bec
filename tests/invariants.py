"""The one checker of the promise, used by every test that kills, pauses, races or lies.

Reads the rows by plain SQL of its own, so that it shares no mistake with the code it watches. That nothing of
another company was touched is told by two fingerprints of that company, one before and one after.
"""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

from django.db import connection

VERDICTS_THAT_CUT = {"absent", "replaced"}
EVENT_OF = {
    "UNLINKED": "UNLINKED",
    "STILL_IN_ERP": "STILL_IN_ERP",
    "NO_ANSWER": "NO_ANSWER",
    "NOT_ALLOWED": "NOT_ALLOWED",
}


def assert_promise_kept(*, company_id: int | None = None) -> None:
    """Raises with every sentence that is not true; of one company, or of all."""
    broken = broken_promises(company_id=company_id)
    assert not broken, "\n".join(broken)


def broken_promises(*, company_id: int | None = None) -> list[str]:
    return [sentence for broken in broken_by_kind(company_id=company_id).values() for sentence in broken]


def broken_by_kind(*, company_id: int | None = None) -> dict[str, list[str]]:
    """What is not true, under the name that it is counted by."""
    links, attempts, events, change_orders, exports = (
        _rows(sql, company_id) for sql in (_LINKS, _ATTEMPTS, _EVENTS, _CHANGE_ORDERS, _EXPORTS)
    )
    return {
        "wrong unlinks": [
            *_links_closed_without_proof(links, attempts),
            *_synced_is_linked(change_orders),
            *_deletions_of_one_person(_rows(_DELETIONS, company_id), events),
        ],
        "lost or doubled events": [
            *_stories_that_differ(links, attempts, events),
            *_presences_told_otherwise(links, attempts, events),
            *_rounds_told_otherwise(exports, events),
        ],
        "rounds that lost their way": _rounds_out_of_step(exports, change_orders, links),
        "links that could not be tried again": _attempts_left_open(links, attempts),
    }


def fingerprint(company_id: int) -> str:
    """Changes when anything of a company changes that an act of the product may touch."""
    everything = " UNION ALL ".join(
        f"SELECT row_to_json(one)::text AS words FROM ({sql}) AS one"
        for sql in (
            *(*_OF_COMMITMENTS, _LINKS, _ATTEMPTS, _EVENTS, _EXPORTS, _CONNECTIONS, _DIRECTORY),
            *(_IGNORED, _DELETIONS),
        )
    )
    return "\n".join(sorted(row["words"] for row in _rows(everything, company_id)))


# --- the sentences -------------------------------------------------------------------------------


def _links_closed_without_proof(links: list[dict[str, Any]], attempts: list[dict[str, Any]]) -> list[str]:
    """No link is closed without a finding that two looks inside the attempt proved, but by a move."""
    broken = []
    successors = _successors(links)
    for link in links:
        if link["unlinked_at"] is None:
            continue
        if successor := successors.get(link["id"]):
            broken += _moves_gone_wrong(link, successor, attempts)
            continue
        cutting = [a for a in attempts if a["link_id"] == link["id"] and a["state"] == "UNLINKED"]
        if len(cutting) != 1:
            broken.append(f"link {link['id']} is closed, with {len(cutting)} attempts that unlinked it")
            continue
        [attempt] = cutting
        finding = json.loads(attempt["finding"])
        if attempt["verdict"] not in VERDICTS_THAT_CUT or finding.get("verdict") != attempt["verdict"]:
            broken.append(f"link {link['id']} was cut on the verdict {attempt['verdict']!r}")
        if attempt["verdict"] == "replaced" and not (attempt["proof"] and finding.get("proof")):
            broken.append(f"link {link['id']} was cut as replaced, without proof")
        if finding.get("fault"):
            broken.append(f"link {link['id']} was cut although Sage had a fault")
        times = [
            attempt["started_at"],
            attempt["first_looked_at"],
            attempt["second_looked_at"],
            attempt["ended_at"],
            attempt["expires_at"],
        ]
        if None in times or times != sorted(times):
            broken.append(f"the looks of link {link['id']} do not lie inside its attempt: {times}")
        if attempt["ended_at"] != link["unlinked_at"]:
            broken.append(f"link {link['id']} ended at another time than its attempt")
    return broken


def _successors(links: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """The link that a moved link was moved to, by the id of the one that ended."""
    return {link["moved_from_id"]: link for link in links if link["moved_from_id"] is not None}


def _moves_gone_wrong(
    former: dict[str, Any], successor: dict[str, Any], attempts: list[dict[str, Any]]
) -> list[str]:
    """A moved link goes on as a link of the same CCO and connection to another record, at that moment."""
    broken = []
    same = [name for name in ("change_order_id", "connection_id") if former[name] != successor[name]]
    if same:
        broken.append(f"link {former['id']} was moved to a link with another {same[0]}")
    if former["unlinked_at"] != successor["linked_at"]:
        broken.append(f"link {former['id']} ended at another time than the one it was moved to began")
    record = ("row_id", "subcontract_record_number")
    if all(former[name] == successor[name] for name in record):
        broken.append(f"link {former['id']} was moved to the record it was tied to")
    broken += [
        f"link {former['id']} was moved, and unlinked by attempt {attempt['id']}"
        for attempt in attempts
        if attempt["link_id"] == former["id"] and attempt["state"] == "UNLINKED"
    ]
    return broken


def _deletions_of_one_person(deletions: list[dict[str, Any]], events: list[dict[str, Any]]) -> list[str]:
    """A deletion counts with a second person, or a day after the mail; each step is told once."""
    broken = []
    for deletion in deletions:
        number = deletion["id"]
        told = Counter(
            event["kind"]
            for event in events
            if event["kind"].startswith("DELETION_") and json.loads(event["told"])["deletion"] == number
        )
        confirmed, ended = deletion["confirmed_at"] is not None, deletion["ended_why"]
        happened = Counter(
            {
                "DELETION_STATED": 1,
                "DELETION_CONFIRMED": int(confirmed),
                "DELETION_WITHDRAWN": int(ended == "WITHDRAWN"),
                "DELETION_ENDED": int(ended == "SEEN"),
            }
        )
        if +happened != told:
            broken.append(f"deletion {number} went {dict(+happened)}, told as {dict(told)}")
        if not confirmed:
            continue
        if deletion["confirmed_by_id"] == deletion["stated_by_id"]:
            broken.append(f"deletion {number} was stated and confirmed by one person")
        day_after = deletion["told_at"] and deletion["told_at"] + timedelta(days=1)
        if deletion["confirmed_by_id"] is None and not (day_after and day_after <= deletion["confirmed_at"]):
            broken.append(f"deletion {number} was confirmed by nobody within a day of the mail")
    return broken


def _synced_is_linked(change_orders: list[dict[str, Any]]) -> list[str]:
    """SYNCED and "has exactly one active link" are the same fact."""
    return [
        f"CCO {co['id']} is {co['erp_status']} with {co['active']} active links"
        for co in change_orders
        if (co["erp_status"] == "SYNCED") != (co["active"] == 1) or co["active"] > 1
    ]


def _stories_that_differ(
    links: list[dict[str, Any]], attempts: list[dict[str, Any]], events: list[dict[str, Any]]
) -> list[str]:
    """Events and rows tell the same story: none lost, none doubled, none invented."""
    broken = []
    ended = {a["id"]: a for a in attempts if a["state"] != "CHECKING"}
    told = [e for e in events if e["attempt_id"] is not None]
    for attempt in ended.values():
        mine = [e for e in told if e["attempt_id"] == attempt["id"]]
        if [e["kind"] for e in mine] != [EVENT_OF[attempt["state"]]]:
            broken.append(
                f"attempt {attempt['id']} ended {attempt['state']}, told as {[e['kind'] for e in mine]}"
            )
    broken += [
        f"event {e['id']} tells of attempt {e['attempt_id']}, which has not ended"
        for e in told
        if e["attempt_id"] not in ended
    ]
    moved = {link["moved_from_id"] for link in links}
    happenings = (
        (("LINKED", "RELINKED"), [link["id"] for link in links if link["moved_from_id"] is None]),
        (("LINK_MOVED",), [link["id"] for link in links if link["moved_from_id"] is not None]),
        (("UNLINKED",), [one["id"] for one in links if one["unlinked_at"] and one["id"] not in moved]),
    )
    for kinds, ids in happenings:
        happened = sorted(ids)
        written = sorted(
            e["link_id"] for e in events if e["kind"] in kinds and e["subject_kind"] == "change-order"
        )
        if happened != written:
            broken.append(f"links {happened} were {kinds[0]}, events say {written}")
    return broken


def _presences_told_otherwise(
    links: list[dict[str, Any]], attempts: list[dict[str, Any]], events: list[dict[str, Any]]
) -> list[str]:
    """What is stored of an active link is what was told of it last; each telling tells something new."""
    ended = {attempt["id"]: attempt for attempt in attempts}
    may_be = {link["id"]: {"present", "unchecked"} for link in links}
    broken = []
    for event in events:
        link_id = event["link_id"]
        if event["kind"] == "PRESENCE_CHANGED":
            told = json.loads(event["told"])
            if (
                told["presence"] == told["before"]["presence"]
                and told["drift"] == told["before"]["drift"] == []
            ):
                broken.append(f"event {event['id']} tells of link {link_id} what was known")
            if told["before"]["presence"] not in may_be[link_id]:
                broken.append(f"event {event['id']} begins at {told['before']}, not {may_be[link_id]}")
            may_be[link_id] = {told["presence"]}
        elif event["attempt_id"] is not None:
            attempt = ended[event["attempt_id"]]
            if (attempt["reason"], attempt["verdict"]) == ("expired", "unknown"):
                # Ended by the next click, which writes no presence; or late, which does.
                may_be[link_id] |= {"unknown"}
            elif not json.loads(event["told"]).get("overtaken"):
                may_be[link_id] = {attempt["verdict"]}
    return broken + [
        f"link {link['id']} is stored as {link['presence']}, told as {may_be[link['id']]}"
        for link in links
        if link["unlinked_at"] is None and link["presence"] not in may_be[link["id"]]
    ]


def _rounds_told_otherwise(exports: list[dict[str, Any]], events: list[dict[str, Any]]) -> list[str]:
    """Each CCO was sent, accepted, retrieved and rejected as often as its rounds and the ledger say."""
    happened = Counter[tuple[int, str]]()
    for export in exports:
        if export["change_order_id"] is None:
            continue
        happened[export["change_order_id"], "SENT"] += 1
        happened[export["change_order_id"], "ACCEPTED"] += export["accepted_at"] is not None
        if export["outcome"] in ("RETRIEVED", "REJECTED"):
            happened[export["change_order_id"], export["outcome"]] += 1
    there = {export["change_order_id"] for export in exports}
    told = Counter(
        (e["subject_id"], e["kind"])
        for e in events
        if e["subject_kind"] == "change-order"
        and e["subject_id"] in there
        and e["kind"] in ("SENT", "ACCEPTED", "RETRIEVED", "REJECTED")
    )
    return [
        f"CCO {cco} was {kind} {happened[cco, kind]} times, told {told[cco, kind]} times"
        for cco, kind in sorted(set(+happened) | set(told))
        if happened[cco, kind] != told[cco, kind]
    ]


def _rounds_out_of_step(
    exports: list[dict[str, Any]], change_orders: list[dict[str, Any]], links: list[dict[str, Any]]
) -> list[str]:
    """A round is open while accounting holds its CCO; a synced one ended with a link of that very CCO."""
    status = {co["id"]: co["erp_status"] for co in change_orders}
    of_link = {link["id"]: link["change_order_id"] for link in links}
    last = {export["change_order_id"]: export for export in exports if export["change_order_id"]}
    broken = []
    for cco, export in last.items():
        is_open = export["ended_at"] is None
        if is_open != (status[cco] in ("READY_TO_EXPORT", "EXPORTING", "FAILED_TO_EXPORT")):
            broken.append(f"CCO {cco} is {status[cco]}, its last round is {export['outcome'] or 'open'}")
        if is_open and (export["accepted_at"] is None) != (status[cco] == "READY_TO_EXPORT"):
            broken.append(f"CCO {cco} is {status[cco]}, its round was accepted at {export['accepted_at']}")
    for export in exports:
        if export["ended_at"] is None and export is not last.get(export["change_order_id"]):
            broken.append(f"export {export['id']} is open, although a later one was begun")
        if export["outcome"] == "SYNCED" and of_link.get(export["link_id"]) != export["change_order_id"]:
            broken.append(f"export {export['id']} ended with the link of another CCO")
    return broken


def _attempts_left_open(links: list[dict[str, Any]], attempts: list[dict[str, Any]]) -> list[str]:
    """An attempt has an end, unless it is the last of a link that is still there: the next click ends it."""
    cut = {link["id"] for link in links if link["unlinked_at"] is not None}
    last = {attempt["link_id"]: attempt["id"] for attempt in attempts}
    broken = []
    for attempt in attempts:
        is_open = attempt["state"] == "CHECKING"
        if is_open != (attempt["ended_at"] is None):
            broken.append(f"attempt {attempt['id']} is {attempt['state']} and ended {attempt['ended_at']}")
        if is_open and attempt["link_id"] in cut:
            broken.append(f"attempt {attempt['id']} is open, and its link is cut")
        if is_open and attempt["id"] != last[attempt["link_id"]]:
            broken.append(f"attempt {attempt['id']} is open, although somebody asked again after it")
    return broken


# --- the rows ------------------------------------------------------------------------------------


def _rows(sql: str, company_id: int | None) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"company": company_id})
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


_LINKS = """
    SELECT link.* FROM erp_integrations_changeorderlink link
    JOIN erp_integrations_connection c ON c.id = link.connection_id
    WHERE %(company)s::bigint IS NULL OR c.company_id = %(company)s ORDER BY link.id"""

_ATTEMPTS = """
    SELECT attempt.*, attempt.evidence::text AS finding FROM erp_integrations_unlinkattempt attempt
    JOIN erp_integrations_changeorderlink link ON link.id = attempt.link_id
    JOIN erp_integrations_connection c ON c.id = link.connection_id
    WHERE %(company)s::bigint IS NULL OR c.company_id = %(company)s ORDER BY attempt.id"""

_EVENTS = """
    SELECT *, evidence::text AS told FROM erp_integrations_linkevent
    WHERE %(company)s::bigint IS NULL OR company_id = %(company)s ORDER BY id"""

_CHANGE_ORDERS = """
    SELECT co.*, (
        SELECT count(*) FROM erp_integrations_changeorderlink link
        WHERE link.change_order_id = co.id AND link.unlinked_at IS NULL) AS active
    FROM commitments_commitmentchangeorder co
    JOIN commitments_commitment commitment ON commitment.id = co.commitment_id
    JOIN companies_project project ON project.id = commitment.project_id
    WHERE %(company)s::bigint IS NULL OR project.company_id = %(company)s ORDER BY co.id"""

_LINES = """
    SELECT line.*, co.id AS co FROM commitments_changeorderline line
    JOIN commitments_commitmentchangeorder co ON co.id = line.change_order_id
    JOIN commitments_commitment commitment ON commitment.id = co.commitment_id
    JOIN companies_project project ON project.id = commitment.project_id
    WHERE %(company)s::bigint IS NULL OR project.company_id = %(company)s ORDER BY line.id"""

_COMMITMENTS = """
    SELECT commitment.*, (
        SELECT json_agg(row_to_json(line) ORDER BY line.id) FROM commitments_commitmentline line
        WHERE line.commitment_id = commitment.id) AS lines
    FROM commitments_commitment commitment
    JOIN companies_project project ON project.id = commitment.project_id
    WHERE %(company)s::bigint IS NULL OR project.company_id = %(company)s ORDER BY commitment.id"""

_HISTORY = """
    SELECT * FROM commitments_historyentry
    WHERE %(company)s::bigint IS NULL OR company_id = %(company)s ORDER BY id"""

_OF_COMMITMENTS = (_COMMITMENTS, _CHANGE_ORDERS, _LINES, _HISTORY)

_EXPORTS = """
    SELECT export.* FROM erp_integrations_export export
    JOIN erp_integrations_connection c ON c.id = export.connection_id
    WHERE %(company)s::bigint IS NULL OR c.company_id = %(company)s ORDER BY export.id"""

_CONNECTIONS = """
    SELECT * FROM erp_integrations_connection
    WHERE %(company)s::bigint IS NULL OR company_id = %(company)s ORDER BY id"""

_IGNORED = """
    SELECT ignored.* FROM erp_integrations_ignoredrecord ignored
    JOIN erp_integrations_connection c ON c.id = ignored.connection_id
    WHERE %(company)s::bigint IS NULL OR c.company_id = %(company)s ORDER BY ignored.id"""

_DELETIONS = """
    SELECT deletion.*, (
        SELECT json_agg(row_to_json(record) ORDER BY record.id)
        FROM erp_integrations_confirmeddeletionrecord record
        WHERE record.deletion_id = deletion.id)::text AS records
    FROM erp_integrations_confirmeddeletion deletion
    JOIN erp_integrations_connection c ON c.id = deletion.connection_id
    WHERE %(company)s::bigint IS NULL OR c.company_id = %(company)s ORDER BY deletion.id"""

_DIRECTORY = """
    SELECT * FROM companies_membership
    WHERE %(company)s::bigint IS NULL OR company_id = %(company)s ORDER BY id"""

_REQUESTS = """
    SELECT request.* FROM companies_privilegerequest request
    JOIN companies_membership membership ON membership.id = request.membership_id
    WHERE %(company)s::bigint IS NULL OR membership.company_id = %(company)s ORDER BY request.id"""

_DIRECTORY_EVENTS = """
    SELECT *, evidence::text AS told FROM companies_directoryevent
    WHERE %(company)s::bigint IS NULL OR company_id = %(company)s ORDER BY id"""

_HISTORY = """
    SELECT * FROM commitments_historyentry
    WHERE %(company)s::bigint IS NULL OR company_id = %(company)s ORDER BY id"""

_ALL_OF_A_COMPANY = (
    *(_LINKS, _ATTEMPTS, _EVENTS, _CHANGE_ORDERS, _EXPORTS, _CONNECTIONS, _IGNORED, _DELETIONS),
    *(_DIRECTORY, _REQUESTS, _DIRECTORY_EVENTS, _HISTORY),
)
