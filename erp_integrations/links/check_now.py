"""Check now: looks up the records of links once for a person, and records the findings. Never cuts a link."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from companies.access import find_access
from companies.clock import clock_from, database_now
from companies.errors import require_reason
from companies.staff_permissions import StaffAct, ruling_on_staff
from erp_integrations.erp import calls, registry
from erp_integrations.erp.connection_state import note_findings
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import append_event, label_of, record_of
from erp_integrations.links.look_question import question_for
from erp_integrations.links.record_findings import Recorded, record_findings
from erp_integrations.links.settle_attempts import NOT_IN_THE_DIRECTORY
from erp_integrations.models import ChangeOrderLink, Connection, EventKind
from erp_integrations.policies import may_check_presence
from erp_integrations.ports import (
    MOST_LOOKED_UP_AT_ONCE,
    ChangeOrderReference,
    Controls,
    Deadline,
    ErpError,
    Fault,
    Finding,
    Verdict,
)
from erp_integrations.workflow.errors import NotAllowed


@dataclass(frozen=True, slots=True)
class CheckedNow:
    """How many links were looked up, changed and answered. With a `fault` nothing was recorded."""

    looked_up: int
    changed: int
    answered: int
    fault: Fault | None


def check_change_orders(
    *, company_id: int, change_order_ids: Sequence[int], actor: Actor, reason: str = ""
) -> CheckedNow:
    """Looks up the records of these CCOs once, and records the findings with their time.

    At most MOST_LOOKED_UP_AT_ONCE, else `ValueError`. CCOs without an active link in the company are left
    out. Staff must say why. Blocks for at most SAGE_DEADLINE_SECONDS; must not be called inside a
    transaction. Raises `NotAllowed`, `ReasonMissing`.
    """
    if len(change_order_ids) > MOST_LOOKED_UP_AT_ONCE:
        raise ValueError(f"at most {MOST_LOOKED_UP_AT_ONCE} CCOs are checked at once")
    reason = require_reason(reason) if actor.is_staff else reason
    _rights_of(actor, company_id=company_id)
    connection = Connection.objects.filter(company_id=company_id).first()
    links = _links(company_id, change_order_ids)
    if connection is None or not links:
        return CheckedNow(looked_up=0, changed=0, answered=0, fault=None)
    question = question_for(links, connection)
    findings = _ask(connection, [question.references[link.pk] for link in links], question.controls)
    with transaction.atomic(durable=True):
        rights = _rights_of(actor, company_id=company_id)
        now = database_now()
        recorded = record_findings(
            {link.pk: finding for link, finding in zip(links, findings, strict=True)},
            connection_id=connection.pk,
            connection_revision=connection.revision,
            actor=actor,
            now=now,
            by_person=True,
            rights=rights,
        )
        became = Counter(recorded.values())
        answered = len(links) - became[Recorded.NO_ANSWER]
        fault = None if answered else next((one.fault for one in findings if one.fault), None)
        note_findings(connection, findings, fault)
        only = links[0] if len(links) == 1 else None
        append_event(
            kind=EventKind.CHECKED,
            company=connection.company,
            # Of the CCO where one was asked about, for its history; else of all.
            subject_kind="change-order" if only else "connection",
            subject_id=(only.change_order_id or 0) if only else connection.pk,
            subject_label=label_of(only) if only else str(connection),
            project_number=only.project_number if only else "",
            link_id=only.pk if only else None,
            actor=actor,
            now=now,
            rights=rights,
            reason=reason or (fault.code if fault else ""),
            evidence={
                **(record_of(only) if only else {}),
                "ccos": [link.change_order_id for link in links],
                "verdicts": dict(Counter(finding.verdict.value for finding in findings)),
                **({"fault": {"code": fault.code, "what": fault.what}} if fault else {}),
            },
        )
    return CheckedNow(looked_up=len(links), changed=became[Recorded.CHANGED], answered=answered, fault=fault)


def _rights_of(actor: Actor, *, company_id: int) -> str:
    if actor.is_staff:
        ruling = ruling_on_staff(StaffAct.CHECK_NOW, actor.user_id)
    else:
        access = find_access(user_id=actor.user_id, company_id=company_id) if actor.user_id else None
        ruling = may_check_presence(access) if access else NOT_IN_THE_DIRECTORY
    if not ruling:
        raise NotAllowed(ruling.missing)
    return ruling.rights


def _links(company_id: int, change_order_ids: Sequence[int]) -> list[ChangeOrderLink]:
    return list(
        ChangeOrderLink.objects.filter(
            change_order_id__in=change_order_ids,
            connection__company_id=company_id,
            unlinked_at__isnull=True,
        ).order_by("pk")
    )


def _ask(
    connection: Connection, references: Sequence[ChangeOrderReference], controls: Controls
) -> Sequence[Finding]:
    try:
        reader = registry.reader_for(registry.spec_of(connection))
    except ErpError as error:
        return [Finding(Verdict.UNKNOWN, error.fault.code, fault=error.fault)] * len(references)
    return calls.quick_lookup_many(
        reader,
        references,
        deadline=Deadline.after(settings.SAGE_DEADLINE_SECONDS),
        clock=clock_from(database_now()),
        controls=controls,
    )
