"""Who is let in, and where everybody else is sent: never a full page into a fragment."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from companies.models import Level
from tests import factories
from tests.web.pages import page_of
from tests.web.people import browser_of, htmx, list_address, submit, unlink_address
from tests.world import World


def next_in(address: str) -> str:
    """Where the sign-in page of that address leads to afterwards."""
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc, parts.path) == ("", "", "/sign-in/")
    return parse_qs(parts.query)["next"][0]


# --- signed out ----------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "?view=rejected&q=a+b"])
def test_a_page_sends_to_sign_in_and_back(world: World, query: str) -> None:
    answer = Client().get(list_address(world, query))

    assert answer.status_code == 302
    assert next_in(answer["Location"]) == list_address(world, query)


def test_signing_in_leads_back_to_the_page(world: World) -> None:
    person = world.person()
    person.set_password("a-password-of-theirs")
    person.save()
    client = Client()
    sign_in = client.get(list_address(world, "?q=x"))["Location"]
    form = page_of(client.get(sign_in)).one("main").one("form")
    fields = {field["name"]: field["value"] for field in form.all("input") if "value" in field}

    answer = client.post(form["action"], {**fields, "login": "approver", "password": "a-password-of-theirs"})

    assert answer.status_code == 302
    assert answer["Location"] == list_address(world, "?q=x")


def test_a_click_by_htmx_sends_the_whole_page_to_sign_in_and_back_to_the_page_not_the_post(
    world: World,
) -> None:
    cco = world.synced_cco()

    answer = Client().post(unlink_address(world, cco), headers=htmx(list_address(world, "?q=a")))

    assert answer.status_code == 200
    assert answer.content == b""
    assert next_in(answer["HX-Redirect"]) == list_address(world, "?q=a")
    assert world.link_of(cco).is_active
    assert world.attempts(cco) == []


def test_a_form_without_javascript_sends_to_sign_in_and_back_to_the_page_it_was_on(world: World) -> None:
    cco = world.synced_cco()
    came_from = f"http://testserver{list_address(world)}"

    answer = Client().post(unlink_address(world, cco), headers={"Referer": came_from})
    assert answer.status_code == 302
    assert next_in(answer["Location"]) == list_address(world)

    assert next_in(submit(Client(), world, cco)["Location"]) == "/"
    assert world.attempts(cco) == []


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/companies/harbor-point/",
        "//evil.example/",
        "http://testserver.evil.example/",
        "http://testserver@evil.example/",
        "javascript:alert(1)",
        "http:///evil.example",
        "http://testserver//evil.example/",
        "http://testserver",
        "\\\\evil.example",
        "nonsense",
        "",
    ],
)
def test_a_foreign_current_page_is_never_where_sign_in_leads(world: World, elsewhere: str) -> None:
    cco = world.synced_cco()
    headers = {"HX-Request": "true", "HX-Current-URL": elsewhere}

    target = next_in(Client().post(unlink_address(world, cco), headers=headers)["HX-Redirect"])

    assert target.startswith("/")
    assert not target.startswith("//")
    assert "evil" not in target


def test_sign_in_does_not_lead_to_another_host(world: World) -> None:
    person = world.person()
    person.set_password("a-password-of-theirs")
    person.save()
    for target in ("https://evil.example/", "//evil.example/"):
        client = Client()
        words = {"login": "approver", "password": "a-password-of-theirs", "next": target}
        answer = client.post("/sign-in/", words)
        assert answer.status_code == 302
        assert "evil" not in answer["Location"]


# --- forged or old forms -------------------------------------------------------------------------


def test_a_form_without_its_token_gets_a_page_that_says_to_reload(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    before, client = world.before(cco), browser_of(approver, enforce_csrf_checks=True)

    answer = submit(client, world, cco)

    assert answer.status_code == 403
    page = page_of(answer)
    assert page.texts("h1") == ["This page was too old to act on"]
    assert "load the page again" in page.one("#main").text
    assert world.attempts(cco) == []
    assert world.before(cco) == before


def test_a_click_by_htmx_without_its_token_reloads_the_page(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    before, client = world.before(cco), browser_of(approver, enforce_csrf_checks=True)

    answer = client.post(unlink_address(world, cco), headers=htmx(list_address(world)))

    assert answer.status_code == 403
    assert answer["HX-Refresh"] == "true"
    assert answer.content == b""
    assert world.attempts(cco) == []
    assert world.before(cco) == before


def test_whoever_lost_the_right_to_a_page_loads_it_anew_and_gets_no_page_into_it(world: World) -> None:
    cco = world.synced_cco()
    client = browser_of(world.person(erp_integrations=Level.NONE))

    answer = client.post(
        reverse("bulk-unlinks", args=[world.company.slug]), {"cco": cco.pk}, headers=htmx(list_address(world))
    )

    assert (answer.status_code, answer["HX-Refresh"], answer.content) == (403, "true", b"")


def test_the_token_in_the_rows_own_form_is_enough(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    client = browser_of(approver, enforce_csrf_checks=True)
    row = page_of(client.get(list_address(world))).one(f"#cco-{cco.pk}")
    [form] = [one for one in row.all("form") if one["action"] == unlink_address(world, cco)]
    [token] = [field["value"] for field in form.all("input") if field["name"] == "csrfmiddlewaretoken"]

    answer = client.post(form["hx-post"], {"csrfmiddlewaretoken": token}, headers=htmx(list_address(world)))

    assert answer.status_code == 200
    assert form["hx-post"] == form["action"]


def test_the_forms_in_an_answer_carry_a_token_too(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    fragment = page_of(browser_of(approver).post(unlink_address(world, cco), headers=htmx("/")))

    for form in fragment.all("form"):
        assert [field["name"] for field in form.all("input")] == ["csrfmiddlewaretoken"]


# --- companies -----------------------------------------------------------------------------------


def test_the_picker_goes_straight_to_the_only_company(world: World) -> None:
    answer = browser_of(world.person()).get("/")

    assert answer.status_code == 302
    assert answer["Location"] == "/companies/harbor-point/"


def test_the_picker_offers_the_companies_one_is_an_active_member_of(world: World) -> None:
    person = world.person()
    for slug, active in (("ridgeline", True), ("long-gone", False)):
        company = factories.CompanyFactory.create(slug=slug)
        factories.MembershipFactory.create(company=company, user=person, is_active=active)
    factories.CompanyFactory.create(slug="strangers")

    answer = browser_of(person).get("/")

    assert answer.status_code == 200
    targets = [link.get("href") for link in page_of(answer).one("#main").all("a")]
    assert targets == ["/companies/harbor-point/", "/companies/ridgeline/"]


def test_the_companys_home_shows_what_needs_attention_to_those_who_may_see_it(world: World) -> None:
    world.synced_cco()
    home = reverse("company-home", args=["harbor-point"])

    seen = page_of(browser_of(world.person()).get(home)).one("#main").text
    assert "Successfully Synced" in seen
    manager = world.person("project-manager", erp_integrations=Level.NONE)
    answer = browser_of(manager).get(home)
    assert answer.status_code == 200
    assert "Successfully Synced" not in page_of(answer).one("#main").text
    assert [link.text for link in page_of(answer).one("nav").all("a")] == ["Projects"]


def test_erp_integrations_goes_to_its_first_tab(world: World) -> None:
    answer = browser_of(world.person()).get("/companies/harbor-point/erp-integrations/")

    assert answer.status_code == 302
    assert answer["Location"] == list_address(world)


def test_the_how_to_is_there_for_everybody_signed_in(world: World) -> None:
    assert browser_of(world.person()).get("/how-to/unlink-a-cco/").status_code == 200
    assert next_in(Client().get("/how-to/unlink-a-cco/")["Location"]) == "/how-to/unlink-a-cco/"


def test_support_is_in_no_company(world: World) -> None:
    cco = world.synced_cco()
    support = factories.UserFactory.create(username="support", is_staff=True, is_superuser=True)
    client = browser_of(support)

    assert client.get(list_address(world)).status_code == 404
    assert submit(client, world, cco).status_code == 404
    assert world.attempts(cco) == []
