"""manage.py unlink: the same operation as the button, with the same rights."""

from argparse import ArgumentParser
from typing import Any

from companies.models import User
from erp_integrations.change_orders.history import find_change_order
from erp_integrations.erp import registry
from erp_integrations.ledger.actors import actor_by_command
from erp_integrations.ledger.serialization import as_json
from erp_integrations.links.unlink import unlink_change_order
from erp_integrations.management.reporting import (
    MISCONFIGURED,
    NO_ANSWER,
    REFUSED,
    WRONG_USE,
    ReportingCommand,
    operating_system_user,
)
from erp_integrations.ports import FaultKind, Finding
from erp_integrations.view_models import Message
from erp_integrations.workflow.errors import NoTrustworthyAnswer, Refused, StillInErp


class Command(ReportingCommand):
    help = "Unlinks a CCO if Sage itself says that its record is gone: the button's own operation."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("company", help="the company's slug")
        parser.add_argument("change_order_id", type=int, metavar="CCO_ID")
        parser.add_argument(
            "--as", dest="username", required=True, metavar="USERNAME", help="the person who unlinks"
        )

    def handle(self, *, company: str, change_order_id: int, username: str, **_: Any) -> None:
        connection = self.connection(company)
        user = User.objects.filter(username=username).first()
        if user is None:
            self.refuse(f"There is no user called {username!r}.", code=WRONG_USE)
        if find_change_order(connection.company, change_order_id) is None:
            self.refuse(f"{company} has no CCO with the id {change_order_id}.", code=WRONG_USE)
        erp = registry.erp_name(connection.kind)
        try:
            unlinked = unlink_change_order(
                company_id=connection.company_id,
                change_order_id=change_order_id,
                actor=actor_by_command(user, operating_system_user()),
            )
        except Refused as refusal:
            message = refusal.message(erp=erp)
            finding = getattr(refusal, "finding", None)
            self.refuse(_text(message), code=_exit_code(refusal), **_fields(message, finding))
        message = unlinked.message(erp=erp)
        self.report(_text(message), **_fields(message, unlinked.finding))


def _text(message: Message) -> str:
    return "\n".join((message.title, *(f"  {line}" for line in message.details)))


def _fields(message: Message, finding: Finding | None) -> dict[str, Any]:
    found = as_json(finding) if finding else {}
    return {
        "verdict": found.get("verdict", ""),
        "message": message.title,
        "details": list(message.details),
        "evidence": found.get("evidence", {}),
    }


def _exit_code(refusal: Refused) -> int:
    if isinstance(refusal, StillInErp) or not isinstance(refusal, NoTrustworthyAnswer):
        return REFUSED
    fault = refusal.finding.fault
    return MISCONFIGURED if fault and fault.kind is FaultKind.MISCONFIGURED else NO_ANSWER
