"""manage.py erp_connection: set, check and accept a company's connection."""

import sys
from argparse import SUPPRESS, ArgumentParser
from pathlib import Path
from typing import Any

from companies.models import User
from erp_integrations.connections import connect
from erp_integrations.erp import registry
from erp_integrations.ledger.actors import Actor, actor_by_command
from erp_integrations.management.reporting import (
    MISCONFIGURED,
    NO_ANSWER,
    WRONG_USE,
    ReportingCommand,
    operating_system_user,
)
from erp_integrations.models import Via
from erp_integrations.ports import FaultKind, NoSuchRecord
from erp_integrations.workflow import errors
from erp_integrations.workflow.errors import NotAllowed


class Command(ReportingCommand):
    help = "Sets, checks or accepts the connection of a company to its books."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        acts = parser.add_subparsers(dest="act", required=True)
        setting = acts.add_parser("set", help="store the connection, then check it")
        setting.add_argument("company")
        where = setting.add_mutually_exclusive_group(required=True)
        where.add_argument(
            "--odbc-from", metavar="FILE", help="read the ODBC connection string from FILE, or - for input"
        )
        where.add_argument("--sandbox", metavar="PATH", help="the folder of a practice company")
        checking = acts.add_parser("check", help="shake hands and report what was found")
        checking.add_argument("company")
        accepting = acts.add_parser("accept", help="accept the database that answered last")
        accepting.add_argument("company")
        accepting.add_argument("--as", dest="username", required=True, metavar="USERNAME")
        accepting.add_argument("--reason", required=True)
        for act in (setting, checking, accepting):
            # Behind the act as well, and without a default that would undo it in front.
            act.add_argument("--json", action="store_true", default=SUPPRESS, help=SUPPRESS)

    def handle(self, *, act: str, **options: Any) -> None:
        match act:
            case "set":
                self._set(options["company"], options["odbc_from"], options["sandbox"])
            case "check":
                self._check(options["company"])
            case "accept":
                self._accept(options["company"], options["username"], options["reason"])

    def _set(self, slug: str, odbc_from: str | None, sandbox: str | None) -> None:
        company = self.company(slug)
        address = self._odbc_address(odbc_from) if odbc_from else self._sandbox_address(sandbox or "")
        connect.set_connection(company=company, address=address, actor=_by_command())
        self._check(slug)

    def _odbc_address(self, file: str) -> connect.Address:
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self.refuse(f"{file} cannot be read: {error}", code=WRONG_USE)
        try:
            database = registry.server_tools().database_named_in(text.strip())
            registry.server_tools().check_string(text.strip())
        except ValueError as error:
            self.refuse(f"The connection string was not stored. {error}", code=MISCONFIGURED)
        return connect.Address(kind=registry.ODBC, database=database, odbc_string=text.strip())

    def _sandbox_address(self, path: str) -> connect.Address:
        folder = Path(path).resolve()
        try:
            name = registry.sandbox_at(folder).company().name
        except (NoSuchRecord, OSError, RuntimeError) as error:
            self.refuse(f"There is no practice company in {folder}. {error}", code=MISCONFIGURED)
        return connect.Address(kind=registry.SANDBOX, database=name, sandbox_path=folder)

    def _check(self, slug: str) -> None:
        connection = self.connection(slug)
        checked = connect.check_connection(connection_id=connection.pk, actor=_by_command())
        found = checked.handshake
        if found is not None:
            facts = {
                "database": found.database,
                "server": found.server,
                "version": found.version,
                "login": found.login,
                "application_name": found.application_name,
                "history_readable": found.history_readable,
                "history_since": found.history_since,
                "tables": ", ".join(found.tables),
                "incarnation": found.incarnation,
            }
            if not self.as_json:
                for name, value in facts.items():
                    self.report(f"{name.replace('_', ' ')}: {value}")
            for problem in found.problems:
                self.report(f"PROBLEM: {problem.what} {problem.advice}", problem=problem.code)
        else:
            facts = {}
        accepted = bool(checked.connection.accepted_incarnation)
        if checked.fault is not None:
            unavailable = checked.fault.kind is FaultKind.UNAVAILABLE
            state = "" if accepted else " The connection stays unchecked."
            self.refuse(
                f"{checked.fault.what} {checked.fault.advice}{state}",
                code=NO_ANSWER if unavailable else MISCONFIGURED,
                fault=checked.fault.code,
                accepted=False,
                **facts,
            )
        if not checked.accepted:
            self.refuse(
                "Another database answers to the name than the accepted one. An ERP admin must accept it: "
                f"manage.py erp_connection accept {slug} --as USERNAME --reason TEXT",
                code=MISCONFIGURED,
                accepted=False,
                **facts,
            )
        self.report("All is well: the accepted database answers.", accepted=True, **facts)

    def _accept(self, slug: str, username: str, reason: str) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            self.refuse(f"There is no user called {username!r}.", code=WRONG_USE)
        connection = self.connection(slug)
        try:
            connect.accept_database(
                connection_id=connection.pk,
                incarnation=connection.seen_incarnation,
                actor=actor_by_command(user, operating_system_user()),
                reason=reason,
            )
        except NotAllowed as refusal:
            self.refuse(f"{refusal}. Nothing was changed.")
        except errors.NothingToAccept:
            self.refuse("There is no other database to accept. Nothing was changed.")
        except ValueError:
            self.refuse("Say why it is the right database. Nothing was changed.", code=WRONG_USE)
        self.report("The database was accepted.", accepted=True)


def _by_command() -> Actor:
    user = operating_system_user()
    return Actor(user_id=None, name=user, via=Via.COMMAND, operating_system_user=user)
