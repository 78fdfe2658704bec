"""The form with which an ERP admin connects a company: in parts, and the password only ever comes in."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from companies.models import Level
from erp_integrations.connections import connect
from erp_integrations.erp import registry
from erp_integrations.models import Connection, EventKind
from erp_integrations.ports import ServerParts
from tests import factories
from tests.commands.terminal import run
from tests.web.pages import Element, page_of
from tests.web.people import answered_message, browser_of
from tests.world import LINKER, World

CONNECTION = "/companies/harbor-point/erp-integrations/connection/"
HOST, LOGIN, PASSWORD = "sage-box-17.internal.example", "plumbline_reader", "hush-hush-72"
FIELDS = {
    "server": HOST,
    "port": "14330",
    "database": "Harbor Point Builders",
    "driver": "FreeTDS",
    "login": LOGIN,
    "password": PASSWORD,
    "security": "trusted",
    "certificate_host": "",
    "application_name": "Plumbline",
}


@pytest.fixture
def admin(world: World) -> Client:
    return browser_of(world.erp_admin())


def save(client: Client, **changed: str) -> Any:
    """The form as the page shows it, filled in with FIELDS and with what is `changed`."""
    connection = Connection.objects.filter(company__slug="harbor-point").first()
    shown = {"revision": str(connection.revision if connection else 0)}
    return client.post(CONNECTION, {**shown, **FIELDS, **changed})


def state(world: World) -> dict[str, object]:
    """Everything that must be the same after a refusal, and that shows whether Sage was asked."""
    rows = Connection.objects.filter(company=world.company).values().get()
    return {**rows, "events": len(world.events())}


def stored(world: World) -> ServerParts:
    found = registry.stored_parts(world.fresh_connection())
    assert found
    return found


def words_at(page: Element, field: str) -> str:
    """The errors at a field."""
    return " ".join(element.text for element in page.all(f"#id_{field}_error"))


# --- storing -------------------------------------------------------------------------------------


def test_what_was_filled_in_is_stored_sealed_told_to_the_ledger_and_nothing_is_asked(
    world: World, admin: Client
) -> None:
    before = world.fresh_connection()

    answer = save(admin)

    assert answer.status_code == 302
    page = page_of(admin.get(CONNECTION))
    assert "The connection was stored" in page.one("#messages").text
    after = world.fresh_connection()
    assert (after.kind, after.database, after.sandbox_path) == (registry.ODBC, "Harbor Point Builders", "")
    assert after.revision == before.revision + 1
    assert after.accepted_incarnation == before.accepted_incarnation, (
        "another database must be accepted first"
    )
    assert after.checked_at is None
    assert stored(world) == ServerParts(
        server=HOST,
        port=14330,
        database="Harbor Point Builders",
        driver="FreeTDS",
        login=LOGIN,
        password=PASSWORD,
        trust_certificate=True,
        application_name="Plumbline",
    )
    event = world.events()[-1]
    assert (event.kind, event.actor_name, event.rights) == (
        EventKind.CONNECTION_SET,
        "erp-admin",
        "Admin on ERP Integrations",
    )
    assert event.evidence == {"kind": registry.ODBC, "database": "Harbor Point Builders"}


def test_editing_shows_everything_but_the_password(world: World, admin: Client) -> None:
    save(admin)

    answer = admin.get(CONNECTION)

    page = page_of(answer)
    shown = {name: page.one(f"#id_{name}").get("value") for name in ("server", "port", "database", "login")}
    assert shown == {name: FIELDS[name] for name in shown}
    chosen = [option["value"] for option in page.all("option") if "selected" in option]
    assert chosen == ["FreeTDS", "trusted"]
    assert "value" not in page.one("#id_password")
    assert PASSWORD not in answer.content.decode()


@pytest.mark.parametrize(
    "hard",
    [
        "a; hard} one",
        "{braced}",
        "'quoted' \"twice\"",
        " blanks around ",
        "käse 密码 🗝",
        "DATABASE=Other;PWD=x",
    ],
)
def test_hard_values_are_stored_as_they_were_typed(world: World, admin: Client, hard: str) -> None:
    assert save(admin, password=hard, database=hard, driver="").status_code == 302

    assert stored(world).password == hard
    assert stored(world).database == world.fresh_connection().database == hard.strip()
    assert registry.spec_of(world.fresh_connection()).database == hard.strip()


def test_a_company_without_a_connection_gets_its_first_one(world: World) -> None:
    company = factories.CompanyFactory.create(slug="ridgeline", name="Ridgeline Civil")
    person = factories.MembershipFactory.create(company=company, user__username="their-admin")
    person.company_levels.create(tool="ERP_INTEGRATIONS", level=Level.ADMIN)
    address = reverse("connection", args=["ridgeline"])
    client = browser_of(person.user)
    assert "open" in page_of(client.get(address)).one("#change")

    answer = client.post(address, {**FIELDS, "revision": "0"})

    assert answer.status_code == 302
    connection = Connection.objects.get(company=company)
    assert (connection.revision, connection.accepted_incarnation) == (1, "")


# --- refusing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("server", "", "This field is required."),
        ("server", "sage01,14330", "Write the port into the field below."),
        ("server", "sage01\nDATABASE=x", "Write it in one line."),
        ("server", "x" * 254, "at most 253"),
        ("port", "many", "Enter a whole number."),
        ("port", "0", "greater than or equal to 1"),
        ("port", "65536", "less than or equal to 65535"),
        ("database", " ", "This field is required."),
        ("database", "nul\x00", "Null characters"),
        ("driver", "/opt/evil.so", "Select a valid choice"),
        ("driver", "SQLite3", "Select a valid choice"),
        ("login", "", "This field is required."),
        ("password", "", "Type the password of the login"),
        ("password", "a\tb", "Write it in one line."),
        ("password", "brace}; and more", "FreeTDS cannot read"),
        ("security", "none", "Select a valid choice"),
        ("application_name", "x" * 31, "at most 30"),
        ("application_name", "Sage.100.Contractor", "is the name of one of Sage's own programs"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_is_stored_or_asked(
    world: World, admin: Client, field: str, value: str, words: str
) -> None:
    before = state(world)

    answer = save(admin, **{field: value})

    assert answer.status_code == 422
    page = page_of(answer)
    assert words in words_at(page, field)
    assert page.one(f"#id_{field}")["aria-invalid"] == "true"
    assert "autofocus" in page.one(f"#id_{field}")
    assert f"id_{field}_error" in page.one(f"#id_{field}")["aria-describedby"]
    kept = "login" if field == "server" else "server"
    assert page.one(f"#id_{kept}")["value"] == FIELDS[kept], "what was typed stays"
    for secret in filter(str.strip, (PASSWORD, value if field == "password" else "")):
        assert secret not in answer.content.decode()
    assert "open" in page.one("#change")
    assert state(world) == before


def test_a_revision_that_is_no_number_stores_nothing(world: World, admin: Client) -> None:
    before = state(world)
    for revision in ("", "x", "-1", "9" * 30):
        assert save(admin, revision=revision).status_code == 422
    assert state(world) == before


def test_a_form_that_was_overtaken_is_told_so_and_stores_nothing(world: World, admin: Client) -> None:
    shown = str(world.fresh_connection().revision)
    save(admin, server="somebody-was-faster")
    admin.get(CONNECTION)  # the message is read
    before = state(world)

    answer = save(admin, revision=shown)

    assert answer.status_code == 409
    level, title, _ = answered_message(answer)
    assert (level, title) == ("warning", "The connection was changed meanwhile. Nothing was stored.")
    page = page_of(answer)
    assert page.one("#id_server")["value"] == HOST, "what was typed stays"
    assert page.one("#id_revision")["value"] == str(before["revision"])
    assert PASSWORD not in answer.content.decode()
    assert state(world) == before


@pytest.mark.parametrize("level", [Level.READ_ONLY, Level.STANDARD])
def test_others_see_what_is_there_and_why_they_cannot_change_it(world: World, level: Level) -> None:
    connect.set_connection(
        company=world.company,
        address=ServerParts(server=HOST, database="Books", login=LOGIN, password=PASSWORD),
        actor=LINKER,
    )
    client, before = browser_of(world.person("other", erp_integrations=level)), state(world)

    answer, page = save(client), client.get(CONNECTION)

    assert answer.status_code == 403
    assert state(world) == before
    assert "A person with 'Admin' on ERP Integrations can change it." in page_of(page).one("#main").text
    assert page_of(page).all("#change") + page_of(page).all("#script") == []
    for secret in (HOST, LOGIN, PASSWORD):
        assert secret not in page.content.decode()


# --- keeping the password ------------------------------------------------------------------------


def test_an_empty_password_keeps_the_stored_one_for_the_same_server(world: World, admin: Client) -> None:
    save(admin)

    answer = save(admin, password="", database="Harbor Point 2026", application_name="Plumbline 2")

    assert answer.status_code == 302
    assert (stored(world).password, stored(world).database) == (PASSWORD, "Harbor Point 2026")
    assert world.fresh_connection().application_name == "Plumbline 2"


@pytest.mark.parametrize(
    "changed",
    [
        {"server": "my-own-box"},
        {"server": "my-own-box\\SAGE100CON"},
        {"port": "1433"},
        {"port": ""},
        {"driver": "ODBC Driver 18 for SQL Server"},
        {"driver": ""},
        {"login": "sa"},
        {"security": "open"},
        {"security": "checked"},
        {"security": "checked", "certificate_host": "my-own-box"},
    ],
    ids=str,
)
def test_an_empty_password_never_goes_anywhere_else(
    world: World, admin: Client, changed: dict[str, str]
) -> None:
    save(admin)
    before = state(world)

    answer = save(admin, password="", **changed)

    assert answer.status_code == 422
    assert "Type the password again." in words_at(page_of(answer), "password")
    assert state(world) == before


def test_what_a_command_stored_beside_is_named_and_needs_the_password(world: World, admin: Client) -> None:
    connect.set_connection(
        company=world.company,
        address=connect.Address(
            kind=registry.ODBC,
            database="Books",
            odbc_string=f"SERVER={HOST},14330;DATABASE=Books;UID={LOGIN};PWD={PASSWORD};MultiSubnetFailover=yes",
        ),
        actor=LINKER,
    )
    page, before = page_of(admin.get(CONNECTION)), state(world)
    assert "MultiSubnetFailover" in page.one("#change").one(".caution").text
    assert page.one("#id_port")["value"] == "14330"

    same = {"driver": "", "security": "checked", "database": "Books"}

    assert save(admin, password="", **same).status_code == 422
    assert state(world) == before
    assert save(admin, **same).status_code == 302


# --- the script ----------------------------------------------------------------------------------


def test_the_script_is_written_for_the_names_that_were_typed_and_nothing_is_stored(
    world: World, admin: Client
) -> None:
    before = state(world)

    answer = save(admin, script="1", database="O'Brien [North]", login="sage]reader", server="")

    assert answer.status_code == 200
    page = page_of(answer)
    script = page.one("#login-script").text
    assert "USE [O'Brien [North]]];" in script
    assert "DB_ID(N'O''Brien [North]')" in script
    assert "CREATE LOGIN [sage]]reader] WITH PASSWORD = N'put a long password of your own here'" in script
    assert page.one("#id_database")["value"] == "O'Brien [North]"
    assert page.all(".errorlist") == []
    assert PASSWORD not in answer.content.decode()
    assert state(world) == before


def test_a_form_that_was_overtaken_stays_overtaken_while_it_shows_the_script(
    world: World, admin: Client
) -> None:
    shown = str(world.fresh_connection().revision)
    save(admin)

    answer = save(admin, revision=shown, script="1")

    assert page_of(answer).one("#id_revision")["value"] == shown


# --- the demo ------------------------------------------------------------------------------------


def test_the_practice_company_comes_back_by_command(world: World, admin: Client) -> None:
    accepted = world.fresh_connection().accepted_incarnation
    words = page_of(admin.get(CONNECTION)).one("#change").text
    assert "Connect to another database" in words
    assert "manage.py erp_connection set harbor-point --sandbox FOLDER" in words
    assert "bin/demo --reset" in words
    save(admin, server="127.0.0.1", port="1")
    admin.post(CONNECTION + "check/")
    assert world.fresh_connection().failures_in_a_row == 1

    ran = run("erp_connection", "set", "harbor-point", "--sandbox", str(world.place))

    assert ran.code == 0
    after = world.fresh_connection()
    assert (after.accepted_incarnation, after.failures_in_a_row) == (accepted, 0)
