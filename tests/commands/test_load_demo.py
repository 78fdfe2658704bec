"""manage.py load_demo: twice, and from the beginning; on a database of its own."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from psycopg import sql
from pytest_django import Settings

from companies.demo_people import DEMO_PEOPLE
from companies.models import Company, Membership, User
from erp_integrations.models import ChangeOrderLink, Connection
from tests.commands.terminal import database_url, manage, run


@pytest.fixture
def empty_database(transactional_db: None) -> Iterator[str]:
    """The address of a copy of the tests' database, with all tables and no rows."""
    ours = connection.settings_dict["NAME"]
    name = f"{ours}_demo"
    connection.close()
    with psycopg.connect(database_url("postgres"), autocommit=True) as server:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        server.execute(drop)
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(ours))
        )
        yield database_url(name)
        server.execute(drop)


def count(url: str, table: str) -> int:
    with psycopg.connect(url) as asked:
        row = asked.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    assert row is not None
    return int(row[0])


def test_reset_starts_over_whatever_was_there_and_a_second_load_changes_nothing(
    empty_database: str, tmp_path: Path
) -> None:
    where = {"DATABASE_URL": empty_database, "SANDBOX_FOLDER": str(tmp_path)}
    with psycopg.connect(empty_database) as asked:
        asked.execute("INSERT INTO companies_company (name, slug) VALUES ('Left Over', 'left-over')")

    loaded = manage("load_demo", "--reset", "--json", **where)
    assert loaded.code == 0, loaded.err
    links = loaded.lines[0]["links"]
    assert links >= 40
    assert count(empty_database, "erp_integrations_changeorderlink") == links
    assert count(empty_database, "companies_company") == 2
    events = count(empty_database, "erp_integrations_linkevent")

    again = manage("load_demo", **where)
    assert again.code == 0
    assert "loaded already. Nothing was changed." in again.out
    assert count(empty_database, "erp_integrations_linkevent") == events


def test_reset_is_refused_outside_the_demo(db: None, settings: Settings, tmp_path: Path) -> None:
    settings.DEMO, settings.SANDBOX_FOLDER = False, tmp_path
    Company.objects.create(slug="a-real-company", name="A Real Company")

    ran = run("load_demo", "--reset")

    assert ran.code == 1
    assert "DEMO" in ran.err
    assert Company.objects.get().slug == "a-real-company"
    assert list(tmp_path.iterdir()) == []


def test_the_demo_has_its_people_and_a_cco_for_every_scenario(
    db: None, settings: Settings, tmp_path: Path
) -> None:
    settings.SANDBOX_FOLDER = tmp_path

    assert run("load_demo").code == 0

    assert set(User.objects.values_list("username", flat=True)) == {p.username for p in DEMO_PEOPLE}
    assert Membership.objects.get(user__username="outsider").company.slug == "ridgeline"
    assert all(connection.accepted_incarnation for connection in Connection.objects.all())
    titles = set(
        ChangeOrderLink.objects.filter(
            connection__company__slug="harbor-point", unlinked_at=None
        ).values_list("cco_title", flat=True)
    )
    assert {"Deleted in Sage", "Approved in Sage", "Void in Sage"} <= titles
    projects = set(
        ChangeOrderLink.objects.filter(connection__company__slug="harbor-point").values_list(
            "project_number", flat=True
        )
    )
    assert len(projects) >= 4
    assert all(user.check_password("plumbline-demo") for user in User.objects.all())
