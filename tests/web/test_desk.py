"""The support desk: what waits, what a search finds, and a CCO's page, also of one that is gone."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from commitments.models import CommitmentChangeOrder, HistoryEntry
from commitments.operations.change_status import set_to_draft
from commitments.operations.edit_change_order import delete_change_order
from companies.models import User
from erp_integrations.models import ChangeOrderLink, LinkEvent, UnlinkAttempt
from erp_integrations.reconciliation.reconcile import reconcile
from erp_integrations.support import search as support_search
from erp_integrations.support import waiting
from tests import factories
from tests.web.desk import asking, not_believed, something_of_everything, staff, stuck
from tests.web.pages import Element, page_of
from tests.web.people import browser_of
from tests.world import LINKER, World

FRONT = "/admin/"
KINDS = ("requests", "attempts", "connections", "runs", "jobs", "mails")


@pytest.fixture
def desk(db: None) -> Client:
    return browser_of(staff("Support"))


def page(client: Client, where: str, **query: str) -> Element:
    answer = client.get(where, query)
    assert answer.status_code == 200, where
    return page_of(answer).one("#content")


def page_of_cco(cco: CommitmentChangeOrder) -> str:
    return reverse("admin:desk-change-order", args=[cco.pk])


def queries_of(client: Client, where: str, **query: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        client.get(where, query)
    return len(asked)


# --- what waits ----------------------------------------------------------------------------------


def test_where_nothing_waits_each_kind_says_so_in_words(desk: Client, world: World) -> None:
    front = page(desk, FRONT)

    said = [front.one(f"#waiting-{kind}") for kind in KINDS]
    assert [one.all("li") for one in said] == [[]] * len(KINDS)
    assert [one.one(".desk-nothing").text for one in said] == [
        "No request waits for an answer.",
        "No attempt is stuck.",
        "Every connection answers.",
        "Every last reconciliation is plausible.",
        "No job has failed for good.",
        "Every mail was sent or waits to be.",
    ]
    assert "none: nothing is done by itself" in front.one(".desk-queue").text
    assert "Directory entries" in front.text, "the list of all models is still there"


def test_what_waits_is_counted_and_each_line_leads_to_its_row(desk: Client, world: World) -> None:
    something_of_everything(world)

    front = page(desk, FRONT)

    for kind, words in zip(
        KINDS,
        (
            "I take over the approvals",
            "asked by approver; the link is as it was",
            "it could not be asked, 2 times in a row",
            "holds no change orders at all",
            "send mail",
            "It is away.",
        ),
        strict=True,
    ):
        one = front.one(f"#waiting-{kind}")
        assert one.one(".desk-count").text == "1"
        assert words in one.one("ul").text
        for link in one.all("a"):
            assert desk.get(link["href"], follow=True).status_code == 200, link["href"]


def test_many_that_wait_cost_no_query_more_and_are_counted_to_a_limit(
    desk: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_COUNTED", 2)
    something_of_everything(world)
    of_one = queries_of(desk, FRONT)
    for _ in range(3):
        something_of_everything(world)

    assert queries_of(desk, FRONT) == of_one <= 20
    assert page(desk, FRONT).one("#waiting-requests").one(".desk-count").text == "2+"


def test_what_is_tidied_no_longer_waits(desk: Client, world: World) -> None:
    """A lease that still holds, and a run that a complete one came after, are nothing to support."""
    stuck(world, world.synced_cco(), over=False)
    not_believed(world)
    reconcile(connection_id=world.connection.pk, actor=LINKER)

    front = page(desk, FRONT)

    for kind in ("attempts", "runs"):
        assert front.one(f"#waiting-{kind}").one(".desk-nothing").text


def test_a_person_sees_what_they_may_and_no_more(world: World) -> None:
    asking(world, "asks")

    front = page(browser_of(staff()), FRONT)

    assert [one for kind in KINDS for one in front.all(f"#waiting-{kind}")] == []
    assert front.all("form") == [], "and no box to search with"


# --- one box -------------------------------------------------------------------------------------


def found(client: Client, q: str) -> dict[str, list[str]]:
    """The words of each group."""
    content = page(client, reverse("admin:desk-search"), q=q)
    return {
        section.one("h2").text: [link.text for link in section.all("a")] for section in content.all("section")
    }


def test_a_cco_is_found_by_each_of_its_numbers_linked_free_and_deleted(desk: Client, world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    link = world.link_of(cco)
    free = world.free_cco()
    by_number = {"CCOs by their own number": [f"CCO {cco.number} {link.cco_title}"]}

    assert found(desk, cco.number) == by_number
    assert list(found(desk, link.number)) == ["CCOs by Sage change number"]
    assert list(found(desk, f" {link.record_number} ")) == ["CCOs by Sage record number"]
    assert found(desk, free.number) == {"CCOs by their own number": [str(free)]}
    _unlink_and_delete(world, cco, approver)
    assert found(desk, cco.number) == by_number
    assert list(found(desk, link.number)) == ["CCOs by Sage change number"]
    assert list(found(desk, link.record_number)) == ["CCOs by Sage record number"]
    assert page(desk, page_of_cco(cco)).text, "where what was found leads"


def test_people_are_found_by_username_name_and_mail_and_companies_by_name(desk: Client, world: World) -> None:
    factories.UserFactory.create(
        username="kbrandt", first_name="Kit", last_name="Brandt", email="accounts@example.com"
    )

    for q in ("kbra", "Kit Brandt", "brandt", "accounts@"):
        assert found(desk, q) == {"People": ["Kit Brandt (kbrandt)"]}
    assert found(desk, "harbor") == {"Companies": ["Harbor Point Builders"]}


@pytest.mark.parametrize("q", ["", "   ", "nobody-has-this", "%", "' OR 1=1", "\\", "x" * 90])
def test_what_is_nowhere_is_not_found_and_said(desk: Client, world: World, q: str) -> None:
    world.synced_cco()

    assert found(desk, q) == {}
    assert page(desk, reverse("admin:desk-search"), q=q).one(".desk-nothing").text


@pytest.mark.parametrize("q", ["x" * 101, "a\x00b"])
def test_what_cannot_be_a_search_is_said(desk: Client, world: World, q: str) -> None:
    content = page(desk, reverse("admin:desk-search"), q=q)

    assert content.one(".errornote").text
    assert content.all("section") == []


def test_a_search_costs_the_same_whatever_it_finds_and_shows_so_many(
    desk: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(support_search, "MOST_FOUND", 2)
    where = reverse("admin:desk-search")
    of_none = queries_of(desk, where, q="same")
    for number in range(4):
        factories.UserFactory.create(username=f"same-{number}")
        factories.ChangeOrderFactory.create(
            commitment=factories.CommitmentFactory.create(project=world.project), number="same"
        )

    assert queries_of(desk, where, q="same") == of_none <= 14
    assert [len(lines) for lines in found(desk, "same").values()] == [2, 2]
    assert "There are more." in page(desk, where, q="same").text


# --- a CCO's page --------------------------------------------------------------------------------


def _unlink_and_delete(world: World, cco: CommitmentChangeOrder, approver: User) -> None:
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)
    set_to_draft(company_id=world.company.pk, change_order_id=cco.pk, user_id=approver.pk)
    delete_change_order(company_id=world.company.pk, change_order_id=cco.pk, user_id=approver.pk)


def test_the_page_tells_links_attempts_evidence_and_events_in_order(desk: Client, world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)

    content = page(desk, page_of_cco(cco))

    links, attempts, events = (table.one("tbody") for table in content.all("table"))
    assert "unlinked" not in links.text
    assert "approver" in links.one("tr").text
    assert "Deleted by ACCT2" in attempts.one("tr").text
    assert [row.all("td")[2].text for row in events.all("tr")] == ["Unlinked", "Linked"]
    assert "Nothing: the CCO is tied to no record." in content.one(".desk-now").text
    assert "Sage 100 Contractor® answered" in content.one(".desk-now").text


def test_the_page_says_what_sage_says_how_old_that_is_and_what_ails_the_connection(
    desk: Client, world: World
) -> None:
    cco = world.synced_cco()
    stuck(world, cco)
    world.connection.refresh_from_db()
    type(world.connection).objects.update(failures_in_a_row=3)

    now = page(desk, page_of_cco(cco)).one(".desk-now")

    assert "A look last found the record" in now.text
    assert "Trouble: it could not be asked, 3 times in a row." in now.text
    assert "approver asked about it and did not come back." in now.text


def test_a_cco_that_was_deleted_still_has_its_page(desk: Client, world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    link = world.link_of(cco)
    _unlink_and_delete(world, cco, approver)
    assert ChangeOrderLink.objects.get(pk=link.pk).change_order_id is None

    to_link = desk.get(reverse("admin:desk-link", args=[link.pk]))

    assert to_link["Location"] == page_of_cco(cco)
    content = page(desk, page_of_cco(cco))
    assert "Deleted here" in content.text
    assert "Harbor Tower" in content.text
    assert len(content.all("table")) == 3, "links, attempts and events"
    assert "Deleted by ACCT2" in content.text


def test_rows_and_page_lead_to_each_other(desk: Client, world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)
    event, attempt = LinkEvent.objects.latest("id"), UnlinkAttempt.objects.get()
    rows: tuple[tuple[str, Any], ...] = (
        ("commitments_commitmentchangeorder", cco),
        ("erp_integrations_changeorderlink", world.link_of(cco)),
        ("erp_integrations_unlinkattempt", attempt),
        ("erp_integrations_linkevent", event),
    )
    there = [link["href"] for link in page(desk, page_of_cco(cco)).all("a")]

    for model, row in rows:
        where = reverse(f"admin:{model}_change", args=[row.pk])
        assert where in there
        [back] = [link for link in page(desk, where).all("a") if link.text == "The CCO's page for support"]
        answer = desk.get(back["href"], follow=True)
        assert answer.request["PATH_INFO"] == page_of_cco(cco)


def test_what_nobody_ever_knew_is_not_found(desk: Client, world: World) -> None:
    for name in ("desk-change-order", "desk-link", "desk-free-attempt", "desk-check-now"):
        for pk in (999_999, 10**30):
            assert desk.get(reverse(f"admin:{name}", args=[pk])).status_code == 404, name


def test_a_long_story_costs_no_query_more(desk: Client, world: World) -> None:
    cco = world.synced_cco()
    of_one = queries_of(desk, page_of_cco(cco))
    world.person()
    for _ in range(3):
        attempt = stuck(world, cco)
        UnlinkAttempt.objects.filter(pk=attempt.pk).update(state="NO_ANSWER", ended_at=attempt.expires_at)

    assert queries_of(desk, page_of_cco(cco)) == of_one <= 14
    assert not HistoryEntry.objects.filter(actor_name="desk").exists(), "looking writes nothing"
