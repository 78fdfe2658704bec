"""The support desk's lists at any size: walked and never counted, and nothing is asked row by row."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from companies import admin_lists
from companies.admin_lists import FastList
from companies.models import ProjectToolPermission
from erp_integrations.models import ChangeOrderLink, LinkEvent, UnlinkAttempt
from tests import factories
from tests.domain.test_any_page_of_the_list import plan_of
from tests.web.grown import attempt_on, crowd, event
from tests.web.pages import Element, page_of
from tests.web.people import browser_of
from tests.world import World

OURS = ("companies", "commitments", "erp_integrations")
DO_NOT_GROW = {
    *("Company", "Connection", "CostCode", "CostType", "Project", "Vendor"),  # what a company sets up
    *("User", "Membership", "PrivilegeRequest"),  # as many as there are people
}
MANY = 120


@pytest.fixture(autouse=True)
def queries_of_the_admin_itself(settings: Settings) -> None:
    """Django's admin reads the signed-in person by itself."""
    settings.ZEAL_ALLOWLIST = [*settings.ZEAL_ALLOWLIST, {"model": "companies.User", "field": "get()"}]


@pytest.fixture
def desk(world: World) -> Client:
    return browser_of(factories.UserFactory.create(username="support", is_staff=True, is_superuser=True))


def fast() -> Iterator[tuple[type[Any], FastList]]:
    for model, site_admin in admin.site._registry.items():
        if isinstance(site_admin, FastList):
            yield model, site_admin


def address(model: type[Any], **query: Any) -> str:
    page = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    return f"{page}?{urlencode(query)}" if query else page


def rows_of(page: Element) -> list[int]:
    """The ids of the rows, in their order."""
    links = [one.get("href") or "" for one in page.one("#changelist-form").all("a")]
    return [int(found[1]) for link in links if (found := re.search(r"/(\d+)/change/", link))]


def link_to(page: Element, rel: str) -> str:
    """Where that link of the list leads; empty where there is none."""
    return next((one["href"] for one in page.all("a") if one.get("rel") == rel), "")


def walk(desk: Client, model: type[Any], query: str = "", rel: str = "next") -> Iterator[list[int]]:
    """The rows of each page from there on, that way."""
    for _ in range(200):
        page = page_of(desk.get(address(model) + query))
        yield rows_of(page)
        if not (query := link_to(page, rel)):
            return
    raise AssertionError("the pages do not end")


def newest_first(model: type[Any], **kept: Any) -> list[int]:
    return list(model.objects.filter(**kept).order_by("-pk").values_list("pk", flat=True))


def test_every_list_over_a_table_that_grows_is_a_fast_one() -> None:
    ours = {model for model in admin.site._registry if model._meta.app_label in OURS}

    assert {model.__name__ for model in ours} - {model.__name__ for model, _ in fast()} == DO_NOT_GROW
    assert not [one for _, one in fast() if one.date_hierarchy], "which looks for the years in all rows"


def test_a_list_asks_as_much_for_one_row_as_for_many_and_counts_nothing(
    desk: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(world, MANY)
    asked: dict[str, list[int]] = {}
    for rows in (1, MANY):
        monkeypatch.setattr(FastList, "list_per_page", rows)
        for model, one in fast():
            table = model._meta.db_table
            for query in ({}, {"q": "approver sc-01"}, {"p": f"after-{newest_first(model)[0]}"}):
                with CaptureQueriesContext(connection) as told:
                    page = page_of(desk.get(address(model, **query)))
                statements = [line["sql"] for line in told.captured_queries]
                assert len(rows_of(page)) >= (0 if query else rows), (model, query)
                asked.setdefault(f"{one} {query}", []).append(len(statements))
                for sql in statements:
                    assert "COUNT(" not in sql.upper(), sql
                    assert "DISTINCT" not in sql, sql
                    assert f'FROM "{table}"' not in sql or " LIMIT " in sql, sql

    assert {page: counts for page, counts in asked.items() if len(set(counts)) > 1} == {}
    assert max(max(counts) for counts in asked.values()) <= 8


def test_the_page_of_a_row_offers_no_choice_of_all_others(desk: Client, world: World) -> None:
    crowd(world, 60)

    for model, _ in fast():
        with CaptureQueriesContext(connection) as told:
            page = page_of(desk.get(f"{address(model)}{newest_first(model)[0]}/change/"))
        assert len(told.captured_queries) <= 9, model
        assert not [line["sql"] for line in told.captured_queries if "COUNT(" in line["sql"]], model
        assert not page.all("select"), model


def test_the_pages_hold_every_row_once_both_ways(desk: Client, world: World) -> None:
    crowd(world, MANY)
    expected = newest_first(LinkEvent)

    pages = list(walk(desk, LinkEvent))
    back = list(walk(desk, LinkEvent, f"?p=after-{pages[-2][-1]}", "prev"))

    assert [row for page in pages for row in page] == expected
    assert [len(page) for page in pages[:-1]] == [50] * (len(pages) - 1)
    assert back[-1] == pages[0], "the newest page is a whole one"
    assert [row for page in reversed(back[:-1]) for row in page] == expected[
        -len(pages[-1]) - 50 * (len(back) - 2) :
    ]


def test_what_no_index_knows_is_found_by_looking_further_back(
    desk: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter, a search and both; each row that fits stands on one page, however few look like it."""
    monkeypatch.setattr(admin_lists, "MOST_LOOKED_THROUGH", 7)
    LinkEvent.objects.bulk_create(
        event(world, n, kind="CHECKED" if n % 9 else "SENT", reason="asked" if n % 2 else "")
        for n in range(100)
    )
    for query, kept in (
        ("?kind__exact=SENT", {"kind": "SENT"}),
        ("?q=asked", {"reason": "asked"}),
        ("?kind__exact=SENT&q=asked", {"kind": "SENT", "reason": "asked"}),
        (f"?company={world.company.pk}&kind__exact=SENT", {"kind": "SENT"}),
    ):
        first = page_of(desk.get(address(LinkEvent) + query))
        assert "among the next 7 rows. No further rows were looked through." in first.one(".paginator").text
        assert link_to(first, "next").startswith(query.partition("&")[0]) or "q=asked" in link_to(
            first, "next"
        )
        pages = list(walk(desk, LinkEvent, query))
        expected = newest_first(LinkEvent, **kept)
        assert [row for page in pages for row in page] == expected, query
        assert len(pages) > 10
        back = list(walk(desk, LinkEvent, query + f"&p=after-{LinkEvent.objects.earliest('id').pk}", "prev"))
        assert set(expected) <= {row for page in back for row in page}, query


def test_what_an_index_knows_is_found_however_far_back(
    desk: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cco = world.synced_cco()
    approver = world.person()
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)
    ended, attempt = world.link_of(cco), UnlinkAttempt.objects.get()
    crowd(world, MANY)
    waiting = list(ChangeOrderLink.objects.filter(unlinked_at=None).order_by("id")[:2])
    for at, link in enumerate(waiting):
        ChangeOrderLink.objects.filter(pk=link.pk).update(
            cco_title=f"Theodolite {at}", presence="ambiguous", presence_checked_at=link.linked_at
        )
    stuck = attempt_on(waiting[0], state="CHECKING")
    stuck.save()
    UnlinkAttempt.objects.bulk_create(
        attempt_on(link, state="NO_ANSWER") for link in ChangeOrderLink.objects.filter(unlinked_at=None)[2:]
    )
    monkeypatch.setattr(admin_lists, "MOST_LOOKED_THROUGH", 5)
    monkeypatch.setattr(admin_lists, "NEAR", 5)

    for model, query, expected in (
        (ChangeOrderLink, {"presence__exact": "ambiguous"}, [waiting[1].pk, waiting[0].pk]),
        (ChangeOrderLink, {"unlinked_at__isempty": "0"}, [ended.pk]),
        (ChangeOrderLink, {"q": "theodolite"}, [waiting[1].pk, waiting[0].pk]),
        (ChangeOrderLink, {"q": "THEODOLITE 1"}, [waiting[1].pk]),
        (ChangeOrderLink, {"q": "theodolite", "presence__exact": "absent"}, []),
        (ChangeOrderLink, {"q": ended.cco_title, "unlinked_at__isempty": "0"}, [ended.pk]),
        (UnlinkAttempt, {"state__exact": "CHECKING"}, [stuck.pk]),
        (UnlinkAttempt, {"link__id__exact": str(ended.pk)}, [attempt.pk]),
        (UnlinkAttempt, {"q": ended.cco_title}, [attempt.pk]),
        (UnlinkAttempt, {"q": "theodolite", "state__exact": "CHECKING"}, [stuck.pk]),
        (LinkEvent, {"attempt_id": str(attempt.pk)}, newest_first(LinkEvent, attempt_id=attempt.pk)),
        (
            LinkEvent,
            {"subject_kind": "change-order", "subject_id": str(cco.pk)},
            newest_first(LinkEvent, subject_kind="change-order", subject_id=cco.pk),
        ),
    ):
        page = page_of(desk.get(address(model, **query)))
        assert rows_of(page) == expected, query
        assert "No further rows" not in page.one(".paginator").text, query


def test_an_index_holds_what_the_list_of_links_says_it_does(world: World) -> None:
    for kept, index in (
        (Q(presence="absent"), "change_order_link_rare"),
        (Q(unlinked_at__isnull=False), "change_order_link_ended"),
    ):
        rows = ChangeOrderLink.objects.filter(kept, pk__lt=100).order_by("-pk")[:51]
        plan = plan_of(rows, without=("seqscan", "bitmapscan", "sort"))
        assert f"using {index}" in plan, plan
        assert "Sort" not in plan, plan


def test_a_page_that_there_never_is_says_so_and_shows_the_newest(desk: Client, world: World) -> None:
    crowd(world, 60)

    for asked in ("2", "after-x", "before-", "after-1234567890123456789", "7;--", "-1"):
        shown = page_of(desk.get(address(LinkEvent, p=asked)))
        assert shown.one(".messagelist").text == "There is no such page. These are the newest.", asked
        assert rows_of(shown) == newest_first(LinkEvent)[:50], asked


def test_a_page_beyond_the_end_leads_back(desk: Client, world: World) -> None:
    crowd(world, 60)

    beyond = page_of(desk.get(address(LinkEvent, p="after-1")))
    assert rows_of(beyond) == []
    assert "There is nothing on this page." in beyond.one(".paginator").text
    back = page_of(desk.get(address(LinkEvent) + link_to(beyond, "prev")))
    assert rows_of(back) == sorted(newest_first(LinkEvent)[-50:], reverse=True)
    newest = page_of(desk.get(address(LinkEvent, p="before-999999999")))
    assert rows_of(newest) == newest_first(LinkEvent)[:50]


def test_a_parameter_that_nobody_knows_breaks_nothing(desk: Client, world: World) -> None:
    crowd(world, 3)

    for query in (
        *(
            "nothing=1",
            "o=1.-2",
            "all=",
            "_facets=True",
            "e=1",
            "q=%00",
            "q=%20%20",
            "kind__exact=x",
            "via=x",
        ),
        *("company=x", "company=999", "company_id=x", "company_id=99999999999999999999"),
        *("subject_kind=x&subject_id=x", "attempt_id=", "kind__exact=SENT&kind__exact=LINKED"),
    ):
        with CaptureQueriesContext(connection) as told:
            answer = desk.get(f"{address(LinkEvent)}?{query}", follow=True)
        assert answer.status_code == 200, query
        assert not [line["sql"] for line in told.captured_queries if "COUNT(" in line["sql"]], query


def test_the_page_of_an_entry_asks_as_much_for_many_projects(desk: Client, world: World) -> None:
    entry = world.person().memberships.get()
    where = address(type(entry)) + f"{entry.pk}/change/"
    asked = []
    desk.get(where)
    for more in (1, 40, 80):
        projects = [factories.ProjectFactory.create(company=world.company) for _ in range(more)]
        ProjectToolPermission.objects.bulk_create(
            ProjectToolPermission(membership=entry, project=project, level=3) for project in projects
        )
        with CaptureQueriesContext(connection) as told:
            page = page_of(desk.get(where))
        asked.append(len(told.captured_queries))
    levels = entry.project_levels.count()

    assert asked[0] == asked[1]
    assert levels > 100
    assert "This person has levels on more than 100 projects" in page.one(".messagelist").text
    assert not [one for one in page.all("select") if (one.get("name") or "").startswith("project_levels")]
    form = page.one("#membership_form")
    fields = {one["name"]: one.get("value") or "" for one in form.all("input") if one.get("type") == "hidden"}
    fields |= {"company_levels-0-tool": "ERP_INTEGRATIONS", "company_levels-0-level": "3", "is_active": "on"}
    assert desk.post(where, fields).status_code == 302
    assert entry.company_levels.get().level == 3
    assert entry.project_levels.count() == levels
