"""Who may do what with the ERP, and when background tasks leave it alone. Pure: reads only its arguments."""

from dataclasses import replace
from datetime import datetime, time, timedelta

from companies.access import Access, Ruling
from companies.permissions import Act, ruling_on
from erp_integrations.models import Connection
from erp_integrations.ports import ServerParts

SHORTEST_REST, LONGEST_REST = timedelta(minutes=1), timedelta(minutes=30)
_MOST_DOUBLINGS = 5
"""Doublings from the shortest rest to the longest."""


def may_unlink(access: Access, *, project_id: int, project_name: str) -> Ruling:
    """The three requirements, all together: the project's Commitments, ERP Integrations, the privilege."""
    return ruling_on(Act.UNLINK, access, project_id=project_id, project_name=project_name)


def may_relink(access: Access, *, project_id: int, project_name: str) -> Ruling:
    """Relink, the undo of an unlink: the same three requirements."""
    return ruling_on(Act.RELINK, access, project_id=project_id, project_name=project_name)


def may_move_link(access: Access, *, project_id: int, project_name: str) -> Ruling:
    """Move a CCO's link to another record: the three requirements of an unlink, since it ends a link too."""
    return ruling_on(Act.MOVE_LINK, access, project_id=project_id, project_name=project_name)


def may_send(access: Access, *, project_id: int, project_name: str) -> Ruling:
    """Send a CCO to the ERP, retrieve it, send it again: the project team's side."""
    return ruling_on(Act.SEND, access, project_id=project_id, project_name=project_name)


def may_accept(access: Access) -> Ruling:
    """Accept, export and retry: the accounting approver's side."""
    return ruling_on(Act.ACCEPT, access)


def may_reject(access: Access) -> Ruling:
    return ruling_on(Act.REJECT, access)


def may_link_records(access: Access) -> Ruling:
    """Link projects, vendors and commitments to their records."""
    return ruling_on(Act.LINK_RECORDS, access)


def may_unlink_records(access: Access) -> Ruling:
    """End the links of projects and vendors, whose records stay in the ERP."""
    return ruling_on(Act.UNLINK_RECORDS, access)


def may_see_erp_integrations(access: Access) -> Ruling:
    return ruling_on(Act.SEE_ERP_INTEGRATIONS, access)


def may_change_connection(access: Access) -> Ruling:
    """Change the connection of the company, or accept another database."""
    return ruling_on(Act.CHANGE_CONNECTION, access)


def may_state_deletion(access: Access) -> Ruling:
    """State that records were deleted in the ERP, confirm another person's statement, withdraw one."""
    return ruling_on(Act.STATE_DELETION, access)


def may_check_connection(access: Access) -> Ruling:
    return ruling_on(Act.CHECK_CONNECTION, access)


def may_check_presence(access: Access) -> Ruling:
    """Look up whether records are still in the ERP. Cuts no link; needs more than 'Read Only'."""
    return ruling_on(Act.CHECK_PRESENCE, access)


def may_cancel_bulk_unlink(access: Access, *, started_by_id: int) -> Ruling:
    """The person who started it and still may see the list, or an ERP admin."""
    if access.user_id == started_by_id:
        return may_see_erp_integrations(access)
    return may_change_connection(access)


def may_use_sandbox(access: Access) -> Ruling:
    """Act as an accountant in the practice company."""
    return ruling_on(Act.USE_SANDBOX, access)


def may_keep_password(stored: ServerParts, wanted: ServerParts) -> bool:
    """Whether the stored password would go where it goes now: same server, login, driver and encryption.

    Otherwise a person who does not know the password could send it to a server of their own. Keywords that
    the form does not show may redirect the password, too.
    """
    kept = replace(
        stored,
        database=wanted.database,
        password=wanted.password,
        application_name=wanted.application_name,
    )
    return kept == wanted and not stored.others


def rests_until(connection: Connection) -> datetime | None:
    """Until when background tasks do not call the ERP; None while the last answer was good.

    One minute after a first failure, twice as long after each further one, at most half an hour. The moment
    may have passed. Every background task checks this first, since more calls do not help a server in
    trouble. The click of a person always calls the ERP.
    """
    if not connection.failures_in_a_row or connection.last_failure_at is None:
        return None
    doublings = min(connection.failures_in_a_row - 1, _MOST_DOUBLINGS)
    return connection.last_failure_at + min(SHORTEST_REST * (1 << doublings), LONGEST_REST)


# --- reconciling ---------------------------------------------------------------------------------

RECONCILE_INTERVAL, PRACTICE_RECONCILE_INTERVAL = timedelta(minutes=5), timedelta(seconds=20)
TICK = timedelta(seconds=20)
"""Interval of the task that looks for due connections."""
ALWAYS_PLAUSIBLE = 20
"""So many missing records are always plausible: a small company may lose three of five."""
MOST_SHRINKAGE = 10


def reconciles_every(connection: Connection, *, practice: bool) -> timedelta | None:
    """The interval between reconciliations; None for never."""
    if connection.reconcile_every_minutes is None:
        return default_reconcile_interval(practice=practice)
    return timedelta(minutes=connection.reconcile_every_minutes) or None


def default_reconcile_interval(*, practice: bool) -> timedelta:
    """The default interval; shorter for a practice company, where a person waits for the result."""
    return PRACTICE_RECONCILE_INTERVAL if practice else RECONCILE_INTERVAL


def is_due(connection: Connection, last_began: datetime | None, now: datetime, *, practice: bool) -> bool:
    """Whether a scheduled run may begin now; `now` is local, as the maintenance window is.

    The task runs once a `TICK`, never exactly on time, so a run may be early by half of that.
    """
    every = reconciles_every(connection, practice=practice)
    if every is None or not connection.accepted_incarnation or in_maintenance(connection, now.time()):
        return False
    resting = rests_until(connection)
    if resting is not None and resting > now:
        return False
    return last_began is None or now - last_began >= every - TICK / 2


def in_maintenance(connection: Connection, at: time) -> bool:
    """Whether background tasks leave the ERP alone at that time of day; a window may span midnight."""
    begins, ends = connection.rests_from, connection.rests_to
    if begins is None or ends is None:
        return False
    if begins < ends:
        return begins <= at < ends
    return at >= begins or at < ends


def find_implausible(
    *, links: int, missing: int, change_orders: int, change_orders_before: int, most_missing_percent: int
) -> str:
    """Why the result of a reconciliation is implausible, in one sentence; empty when it is plausible.

    `missing` are the links whose record is missing without an explanation.
    """
    if most_missing_percent >= 100:
        return ""
    if links and not change_orders:
        return "The company database holds no change orders at all."
    if change_orders * MOST_SHRINKAGE < change_orders_before:
        return (
            f"The company database holds {change_orders:,} change orders; "
            f"at the last complete run it held {change_orders_before:,}."
        )
    if missing > ALWAYS_PLAUSIBLE and missing * 100 > links * most_missing_percent:
        return (
            f"The records of {missing:,} of {links:,} linked CCOs are missing at once, "
            f"which is more than {most_missing_percent} %."
        )
    return ""
