"""The Directory's pages: who sees whom, what administrators change, and how one asks for the privilege."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from companies.models import (
    DirectoryEvent,
    Level,
    Membership,
    OutgoingMail,
    PrivilegeRequest,
    Project,
    User,
)
from companies.operations.change_levels import levels_of
from companies.operations.change_privilege import grant_privilege
from tests import factories
from tests.web.pages import page_of
from tests.web.people import browser_of, click, list_address
from tests.world import World

DIRECTORY = "/companies/harbor-point/directory/"
OWN = f"{DIRECTORY}own/"
HOSTILE = ["' OR 1=1 --", "%", "<script>alert(1)</script>", "\x00", "\u202e\U0001f6a7", "x" * 10_000]


@pytest.fixture
def project(world: World) -> Project:
    return world.project


@pytest.fixture
def administrator(world: World, project: Project) -> Client:
    return browser_of(world.person("company-admin", directory=Level.ADMIN, erp_integrations=Level.NONE))


@pytest.fixture
def analyst(world: World, project: Project) -> User:
    return world.person("analyst", directory=Level.READ_ONLY, can_push_to_accounting=False)


def page(person: User, rest: str = "") -> str:
    return f"{DIRECTORY}{person.memberships.get().pk}/{rest}"


def names_on(answer: Any) -> list[str]:
    return page_of(answer).one("tbody").texts("th")


def row_of(client: Client, name: str) -> dict[str, str]:
    rows = page_of(client.get(DIRECTORY)).one("tbody").all("tr")
    [row] = [row for row in rows if row.one("th").text == name]
    return {cell["data-label"]: cell.text for cell in row.all("td")}


def words_on(client: Client, where: str) -> str:
    return page_of(client.get(where)).one("#main").text


def level_form(client: Client, where: str) -> dict[str, str]:
    """The form of levels as the page shows it, as a browser would send it unchanged."""
    form = next(form for form in page_of(client.get(where)).all("form") if "levels/" in form["action"])
    chosen = {
        select["name"]: next(o["value"] for o in select.all("option") if "selected" in o)
        for select in form.all("select")
    }
    return chosen | {"seen": next(i["value"] for i in form.all("input") if i["name"] == "seen")}


# --- the list ------------------------------------------------------------------------------------


def test_it_shows_people_with_their_levels_and_who_is_an_accounting_approver(
    world: World, analyst: User, project: Project
) -> None:
    factories.ProjectFactory.create(company=world.company, number="2612")
    world.person("approver", directory=Level.ADMIN)
    world.person("left").memberships.update(is_active=False)
    client = browser_of(analyst)

    assert names_on(client.get(DIRECTORY)) == ["analyst", "approver", "left"]
    assert row_of(client, "analyst") == {
        "E-mail": "analyst@example.com",
        "Commitments": "Admin on 1 project",
        "ERP Integrations": "Standard",
        "Directory": "Read Only",
        "Accounting approver": "no",
        "State": "Active",
    }
    assert row_of(client, "approver")["Commitments"] == "Admin on 2 projects"
    assert row_of(client, "approver")["Accounting approver"] == "Accounting approver"
    assert row_of(client, "left")["State"] == "Inactive"


@pytest.mark.parametrize("level", [Level.NONE, Level.READ_ONLY])
def test_the_privilege_alone_makes_no_accounting_approver(world: World, analyst: User, level: Level) -> None:
    world.person("half", erp_integrations=level)

    assert row_of(browser_of(analyst), "half")["Accounting approver"] == "no"


def test_the_search_finds_every_word_anywhere(world: World, analyst: User) -> None:
    User.objects.filter(pk=world.person("estimator").pk).update(first_name="Cost", last_name="Estimator")
    client = browser_of(analyst)

    assert names_on(client.get(DIRECTORY, {"q": "estimator CO"})) == ["Cost Estimator"]
    assert names_on(client.get(DIRECTORY, {"q": "estimator@example"})) == ["Cost Estimator"]
    assert "No person matches your search." in words_on(client, f"{DIRECTORY}?q=nobody")
    for words in HOSTILE:
        assert client.get(DIRECTORY, {"q": words, "page": words}).status_code == 200


def test_another_companys_people_are_not_there(world: World, analyst: User) -> None:
    stranger = factories.MembershipFactory.create(user__username="stranger")

    assert names_on(browser_of(analyst).get(DIRECTORY)) == ["analyst"]
    for act in ("", "levels/", "request-can-push-to-accounting/"):
        where = f"{DIRECTORY}{stranger.pk}/{act}"
        assert browser_of(analyst).post(where).status_code == (404 if act else 405)
    assert browser_of(analyst).get(f"{DIRECTORY}{stranger.pk}/").status_code == 404
    assert browser_of(stranger.user).get(DIRECTORY).status_code == 404


def test_without_a_level_on_directory_only_ones_own_entry_is_seen(world: World, analyst: User) -> None:
    client = browser_of(world.person("approver"))

    assert client.get(DIRECTORY).status_code == 403
    assert client.get(page(analyst)).status_code == 403
    assert client.get(OWN, follow=True).status_code == 200
    assert "Directory" not in page_of(client.get(list_address(world))).one(".bar").texts("a")


def test_the_list_costs_the_same_for_one_and_for_fifty(
    world: World, analyst: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = browser_of(analyst)
    budget = 10
    with django_assert_max_num_queries(budget):
        client.get(DIRECTORY)
    for number in range(60):
        world.person(f"person-{number:02}")

    with django_assert_max_num_queries(budget):
        first = client.get(DIRECTORY)

    assert len(names_on(first)) == 50
    assert page_of(first).one("#range").text.replace("\N{EN DASH}", "-") == "1-50 of 61"
    assert len(names_on(client.get(DIRECTORY, {"page": 2}))) == 11


def test_an_entry_costs_the_same_for_one_project_and_for_many(
    world: World, administrator: Client, analyst: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        project = factories.ProjectFactory.create(company=world.company, number=f"31{number:02}")
        analyst.memberships.get().project_levels.create(project=project, level=Level.READ_ONLY)

    with django_assert_max_num_queries(15):
        shown = administrator.get(page(analyst))

    assert len(page_of(shown).all("select")) == 2 + 31


# --- levels --------------------------------------------------------------------------------------


def test_an_administrator_changes_levels_which_count_in_an_open_session(
    world: World, administrator: Client, analyst: User, project: Project
) -> None:
    open_session = browser_of(analyst)
    assert open_session.get(list_address(world)).status_code == 200
    form = level_form(administrator, page(analyst))

    answer = administrator.post(
        page(analyst, "levels/"),
        {**form, "company-ERP_INTEGRATIONS": "0", f"project-{project.pk}": "1"},
        follow=True,
    )

    assert "2 levels changed." in page_of(answer).one("#messages").text
    assert open_session.get(list_address(world)).status_code == 403
    assert "Commitments in Harbor Tower (2611)" in page_of(answer).one("#main").text
    assert DirectoryEvent.objects.count() == 2


def test_the_privilege_and_the_account_are_not_in_the_form(administrator: Client, analyst: User) -> None:
    form = level_form(administrator, page(analyst))
    everything = {
        "can_push_to_accounting": "on",
        "is_active": "",
        "is_staff": "on",
        "user": "1",
        "company": "1",
    }

    administrator.post(page(analyst, "levels/"), {**form, **everything})

    entry = analyst.memberships.get()
    assert (entry.can_push_to_accounting, entry.is_active, entry.user.is_staff) == (False, True, False)
    assert not DirectoryEvent.objects.exists()


def test_who_is_no_administrator_sees_levels_and_changes_none(
    administrator: Client, analyst: User, project: Project
) -> None:
    form = level_form(administrator, page(analyst))
    client = browser_of(analyst)
    shown = page_of(client.get(page(analyst)))
    assert [f for f in shown.all("form") if f["action"].endswith("levels/")] == []
    assert "Company administrators change levels." in shown.one("#main").text

    answer = client.post(page(analyst, "levels/"), {**form, "company-DIRECTORY": "3"})

    assert answer.status_code == 403
    assert row_of(client, "analyst")["Directory"] == "Read Only"
    assert not DirectoryEvent.objects.exists()


def test_a_stale_form_is_refused_and_the_page_shows_how_it_is_now(
    administrator: Client, analyst: User
) -> None:
    stale = level_form(administrator, page(analyst))
    administrator.post(page(analyst, "levels/"), {**stale, "company-DIRECTORY": "2"})

    answer = administrator.post(
        page(analyst, "levels/"), {**stale, "company-ERP_INTEGRATIONS": "3"}, follow=True
    )

    assert "Another user changed this entry while you looked at it." in page_of(answer).one("#messages").text
    assert row_of(administrator, "analyst")["ERP Integrations"] == "Standard"
    assert row_of(administrator, "analyst")["Directory"] == "Standard"


def test_the_last_administrator_is_told_why_they_stay_one(administrator: Client) -> None:
    own = User.objects.get(username="company-admin")

    answer = administrator.post(
        page(own, "levels/"), {**level_form(administrator, page(own)), "company-DIRECTORY": "0"}, follow=True
    )

    words = page_of(answer).one("#messages").text
    assert "the last active administrator of Harbor Point Builders" in words
    assert "Nothing was changed." in words
    assert row_of(administrator, "company-admin")["Directory"] == "Admin"


@pytest.mark.parametrize("level", ["", "4", "-1", "Admin", "3; DROP TABLE", "9" * 30])
def test_a_level_that_does_not_exist_is_refused_at_its_field(
    administrator: Client, analyst: User, level: str
) -> None:
    form = level_form(administrator, page(analyst))

    answer = administrator.post(page(analyst, "levels/"), {**form, "company-DIRECTORY": level})

    assert answer.status_code == 422
    assert page_of(answer).one("#main").all(".errorlist")
    assert not DirectoryEvent.objects.exists()


# --- more projects than one page shows ------------------------------------------------------------


@pytest.fixture
def many_projects(world: World, analyst: User) -> list[Project]:
    """More than Django takes fields in a form; Harbor Tower (2611) stands before all."""
    many = [
        Project(company=world.company, number=f"3-{number:04}", name=f"Pier {number}")
        for number in range(1_000)
    ]
    return Project.objects.bulk_create(many)


def test_a_company_of_a_thousand_projects_changes_levels_page_by_page_and_loses_nothing(
    administrator: Client, analyst: User, project: Project, many_projects: list[Project]
) -> None:
    first = level_form(administrator, page(analyst))
    assert len(first) == 2 + 50 + 1
    administrator.post(page(analyst, "levels/"), {**first, f"project-{project.pk}": "2"})
    where = f"{page(analyst)}?page=21"
    shown = page_of(administrator.get(where))
    assert shown.one("#range").text.replace("\N{EN DASH}", "-") == "1,001-1,001 of 1,001"
    [form] = [form for form in shown.all("form") if "levels/" in form["action"]]
    last = many_projects[-1]

    answer = administrator.post(
        form["action"], {**level_form(administrator, where), f"project-{last.pk}": "3"}, follow=True
    )

    assert answer.redirect_chain == [(where, 302)]
    assert "1 level changed." in page_of(answer).one("#messages").text
    levels = levels_of(analyst.memberships.get())
    assert levels.projects[project.pk] == Level.STANDARD
    assert levels.projects[last.pk] == Level.ADMIN
    assert {level for pk, level in levels.projects.items() if pk not in (project.pk, last.pk)} == {Level.NONE}


def test_projects_are_found_by_number_and_name_by_whoever_sees_the_entry(
    administrator: Client, analyst: User, many_projects: list[Project]
) -> None:
    found = page_of(administrator.get(page(analyst), {"project": "pier 3-0042"}))
    [label] = [one.text for one in found.one(".levels").all("label") if "Commitments" in one.text]
    assert label == "Commitments in Pier 42 (3-0042)"
    assert "Pier 42" in words_on(browser_of(analyst), f"{page(analyst)}?project=3-0042")
    assert "No project matches your search." in words_on(administrator, f"{page(analyst)}?project=nothing")
    for words in HOSTILE:
        assert administrator.get(page(analyst), {"project": words, "page": words}).status_code == 200
    stranger = factories.ProjectFactory.create()
    for number in ("", "-1", "1 OR 1=1", "9" * 30, "\N{ARABIC-INDIC DIGIT THREE}", "999999", stranger.pk):
        sent = {**level_form(administrator, page(analyst)), f"project-{number}": "3"}
        assert administrator.post(page(analyst, "levels/"), sent).status_code == 302
    assert not DirectoryEvent.objects.exists()


def test_what_is_refused_on_a_page_of_projects_leads_back_to_it(
    administrator: Client, analyst: User, many_projects: list[Project]
) -> None:
    where = f"{page(analyst)}?project=Pier&page=2"
    form = level_form(administrator, where)

    answer = administrator.post(
        f"{page(analyst, 'levels/')}?project=Pier&page=2", {**form, "company-DIRECTORY": "9"}
    )

    assert answer.status_code == 422
    links = [link["href"] for link in page_of(answer).one(".pages").all("a")]
    assert links == [f"{page(analyst)}?project=Pier&page=1", f"{page(analyst)}?project=Pier&page=3"]
    assert page_of(answer).one("#main").one(".search")["action"] == page(analyst)


# --- asking for the privilege --------------------------------------------------------------------


def test_asked_from_the_disabled_button_granted_and_then_it_unlinks(world: World) -> None:
    """The whole way: the same open session may unlink once support has granted it."""
    cco = world.synced_cco()
    asker = world.person("analyst", can_push_to_accounting=False)
    client = browser_of(asker)
    world.delete_in_sage(cco)
    before = world.before(cco)
    tip = page_of(client.get(list_address(world))).one(".reasons")
    assert tip.one("a").text == "Request Can Push to Accounting"
    assert click(client, world, cco).status_code == 403

    entry = client.get(tip.one("a")["href"], follow=True)
    form = page_of(entry).one("#can-push-to-accounting").one("form")
    answer = client.post(form["action"], {"reason": "I take over from a colleague"}, follow=True)

    assert "Support was asked. The answer comes by mail." in page_of(answer).one("#messages").text
    waiting = page_of(answer).one("#can-push-to-accounting")
    assert "Requested on" in waiting.text
    assert "I take over from a colleague" in waiting.text
    assert waiting.all("form") == []
    assert "Requested on" in page_of(client.get(list_address(world))).one(".reasons").text
    assert world.before(cco) == before

    support = factories.UserFactory.create(username="support", is_staff=True, is_superuser=True)
    grant_privilege(request_id=PrivilegeRequest.objects.get().pk, words="Confirmed", actor=support)

    assert page_of(client.get(list_address(world))).all(".reasons") == []
    assert click(client, world, cco).status_code == 200
    assert [e.kind for e in DirectoryEvent.objects.order_by("id")] == [
        "PRIVILEGE_REQUESTED",
        "PRIVILEGE_GRANTED",
    ]
    assert OutgoingMail.objects.get().to == "analyst@example.com"
    assert "Can Push to Accounting" in world.events(kind="UNLINKED")[0].rights


def test_the_link_is_there_only_where_the_privilege_is_missing(world: World) -> None:
    cco = world.synced_cco()
    reader = world.person("erp-read-only", erp_integrations=Level.READ_ONLY)

    tip = page_of(browser_of(reader).get(list_address(world))).one(".reasons")

    assert "Needs 'Standard' or 'Admin' on ERP Integrations" in tip.text
    assert tip.all("a") == []
    lacking = browser_of(world.person("analyst", can_push_to_accounting=False))
    fragment = click(lacking, world, cco)
    assert page_of(fragment).one(".reasons").one("a")["href"].startswith(OWN)


@pytest.mark.parametrize("reason", [None, "", "   ", "\n", "\x00", "x" * 1001])
def test_asking_without_a_reason_is_refused_at_the_field_and_keeps_what_was_typed(
    analyst: User, reason: str | None
) -> None:
    client = browser_of(analyst)

    answer = client.post(
        page(analyst, "request-can-push-to-accounting/"), {} if reason is None else {"reason": reason}
    )

    assert answer.status_code == 422
    section = page_of(answer).one("#can-push-to-accounting")
    assert section.all(".errorlist")
    if reason and reason.startswith("x"):
        assert section.one("textarea").text == reason
    assert not PrivilegeRequest.objects.exists()


def test_an_administrator_asks_for_somebody_and_nobody_else_does(
    world: World, administrator: Client, analyst: User
) -> None:
    where = page(analyst, "request-can-push-to-accounting/")
    other = browser_of(world.person("other", directory=Level.STANDARD))
    assert page_of(other.get(page(analyst))).one("#can-push-to-accounting").all("form") == []
    assert other.post(where, {"reason": "For somebody else"}).status_code == 403
    assert not PrivilegeRequest.objects.exists()

    administrator.post(where, {"reason": "She takes over"})
    again = administrator.post(where, {"reason": "Again"}, follow=True)

    assert "company-admin requested it already" in page_of(again).one("#messages").text
    assert PrivilegeRequest.objects.get().asked_by_name == "company-admin"


def test_reasons_and_history_are_for_administrators_and_oneself(
    world: World, administrator: Client, analyst: User
) -> None:
    administrator.post(page(analyst, "request-can-push-to-accounting/"), {"reason": "<b>Private</b> matter"})

    assert "<b>Private</b> matter" in words_on(administrator, page(analyst)), "as words, not as markup"
    assert "Private" in words_on(browser_of(analyst), page(analyst))
    other = browser_of(world.person("other", directory=Level.STANDARD))
    assert "Private" not in words_on(other, page(analyst))


# --- the digest ----------------------------------------------------------------------------------


def test_anybody_leaves_the_digest_and_comes_back_by_themselves(world: World) -> None:
    person = world.person()
    client = browser_of(person)
    form = page_of(client.get(OWN, follow=True))
    [box] = [i for i in form.all("input") if i.get("name") == "subscribed"]
    assert "checked" in box, "subscribed to begin with"

    client.post(f"{OWN}digest/", {})
    client.post(f"{OWN}digest/", {})
    assert not Membership.objects.get(user=person).subscribed_to_digest
    client.post(f"{OWN}digest/", {"subscribed": "on"})

    assert Membership.objects.get(user=person).subscribed_to_digest
    assert [(e.before, e.after) for e in DirectoryEvent.objects.order_by("id")] == [
        ("subscribed", "not subscribed"),
        ("not subscribed", "subscribed"),
    ]


def test_the_box_is_on_nobodys_page_but_ones_own(administrator: Client, analyst: User) -> None:
    shown = page_of(administrator.get(page(analyst)))

    assert [i for i in shown.all("input") if i.get("name") == "subscribed"] == []
