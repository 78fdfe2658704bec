"""A login to Sage goes into the form and to the driver, and is nowhere else to be read."""

import logging
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection as database
from django.views.debug import ExceptionReporter
from pytest_django import Settings

from erp_integrations.connections import connect
from erp_integrations.erp import registry
from erp_integrations.models import Connection
from erp_integrations.ports import ServerParts
from erp_integrations.workflow.errors import NoTrustworthyAnswer
from sage_adapter.drivers import ODBC
from tests.commands.terminal import ROOT, environment, manage
from tests.web.people import browser_of, htmx
from tests.web.test_connection_form import CONNECTION, FIELDS, save
from tests.world import LINKER, World

HOST, LOGIN, PASSWORD = FIELDS["server"], FIELDS["login"], FIELDS["password"]
SECRETS = (HOST, LOGIN, PASSWORD)
NOWHERE = {"server": "127.0.0.1", "port": "1"}


def at_odbc(world: World) -> Connection:
    parts = ServerParts(
        server=HOST, port=1, database="Books", login=LOGIN, password=PASSWORD, driver="FreeTDS"
    )
    return connect.set_connection(company=world.company, address=parts, actor=LINKER)


def test_no_table_holds_a_secret_in_the_clear(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    client = browser_of(world.erp_admin())
    save(client, **NOWHERE)
    save(client, password=PASSWORD, port="many")
    client.post(CONNECTION + "check/")
    client.get(CONNECTION)
    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)
    with database.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [row[0] for row in cursor.fetchall()]
        assert "erp_integrations_connection" in tables
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}" AS t WHERE t::text ~ %s', [f"{LOGIN}|{PASSWORD}"])
            assert cursor.fetchone() == (0,), table


def test_no_log_and_no_fragment_holds_a_secret(
    world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    cco, client = world.synced_cco(), browser_of(world.erp_admin())
    save(client, **NOWHERE)
    save(client, port="many")
    fragment = client.post(CONNECTION + "check/", headers=htmx(CONNECTION)).content.decode()
    client.post(f"/companies/harbor-point/erp-integrations/commitment-change-orders/{cco.pk}/unlink/")
    printed = capfd.readouterr()
    logged = "\n".join([caplog.text, *(str(record.__dict__) for record in caplog.records), *printed])
    assert "request_finished" in logged
    for secret in (LOGIN, PASSWORD):
        assert secret not in logged
        assert secret not in fragment


def test_a_mistake_of_ours_in_the_middle_tells_no_secret(
    world: World, settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not on the page, not in the log, not in the report that Django makes of it."""
    admin = world.erp_admin()
    client = browser_of(admin, raise_request_exception=False)
    monkeypatch.setitem(settings.ERP_KINDS, registry.ODBC, "tests.web.test_secrets.MISTAKEN_DRIVER")

    answer = save(client)

    assert answer.status_code == 500
    [record] = [record for record in caplog.records if record.name == "django.request" and record.exc_info]
    assert record.exc_info
    report = ExceptionReporter(record.request, *record.exc_info)  # type: ignore[attr-defined]
    for text in (
        answer.content.decode(),
        caplog.text,
        report.get_traceback_text(),
        report.get_traceback_html(),
    ):
        for secret in SECRETS:
            assert secret not in text


def a_mistake(parts: ServerParts) -> str:
    words = f"SERVER={parts.server};UID={parts.login};PWD={parts.password}"
    assert words
    raise ZeroDivisionError


assert ODBC.server
MISTAKEN_DRIVER = replace(ODBC, server=replace(ODBC.server, string_of=a_mistake))


def test_what_carries_a_secret_does_not_print_it(world: World) -> None:
    connection = at_odbc(world)
    stored = registry.stored_parts(connection)
    assert stored
    assert stored.password == PASSWORD
    address = connect.Address(
        kind=registry.ODBC, database="Books", odbc_string=registry.server_tools().string_of(stored)
    )
    for value in (
        stored,
        address,
        connection,
        registry.spec_of(connection),
        registry.reader_for(registry.spec_of(connection)),
    ):
        for secret in SECRETS:
            assert secret not in f"{value!r} {value!s}"


def test_settings_are_printed_without_their_secrets(db: None) -> None:
    secrets = {
        "FIELD_KEYS": "k" * 43 + "=",
        "SECRET_KEY": "s" * 40,
        "DATABASE_URL": "postgresql://plumbline:p-of-the-database@127.0.0.1/plumbline",
        "EMAIL_URL": "smtp://mailer:p-of-the-mailer@127.0.0.1:25",
    }

    ran = manage("diffsettings", "--all", FIELD_KEYS_FILE="", SECRET_KEY_FILE="", **secrets)

    assert ran.code == 0, ran.err
    assert "FIELD_KEYS = ['********']" in ran.out
    assert "SECRET_KEY = '********'" in ran.out
    for secret in (secrets["FIELD_KEYS"], secrets["SECRET_KEY"], "p-of-the"):
        assert secret not in ran.out


def test_the_process_list_shows_no_secret(committed_world: World) -> None:
    """The string comes by the input; the command line, the environment and open files do not hold it."""
    process = subprocess.Popen(
        [
            sys.executable,
            str(ROOT / "manage.py"),
            "erp_connection",
            "set",
            "harbor-point",
            "--odbc-from",
            "-",
        ],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    process.stdin.write(f"DRIVER=FreeTDS;SERVER=127.0.0.1;PORT=1;DATABASE=Books;UID={LOGIN};PWD={PASSWORD}")
    process.stdin.flush()
    time.sleep(0.5)  # it reads its input to the end, and that has not come yet
    seen = "".join(Path(f"/proc/{process.pid}/{file}").read_text() for file in ("cmdline", "environ"))
    out, err = process.communicate(timeout=60)

    assert "--odbc-from" in seen
    assert process.returncode in (3, 4), err
    for secret in (LOGIN, PASSWORD):
        assert secret not in seen + out + err
