"""The tabs Commitments, Jobs and Vendors: what is tied, and tying what is not, after a look at the record."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from companies.models import Level
from erp_integrations.models import CommitmentLink, JobLink, LinkEvent, VendorLink
from erp_integrations.ports import ErpJob
from erp_integrations.record_links import operations as record_links
from erp_integrations.workflow.errors import (
    AlreadyLinkedToRecord,
    AnotherRecord,
    NotAllowed,
    OfAnother,
    OnlySubcontracts,
    RecordTaken,
)
from tests import factories, sendable
from tests.web.pages import page_of
from tests.web.people import AMBER, GREEN, answered_message, browser_of
from tests.web.test_hostile_hands import NASTY
from tests.world import LINKER, World

TABS = ("erp-commitments", "erp-jobs", "erp-vendors")


def tab(world: World, name: str) -> str:
    return reverse(name, args=[world.company.slug])


def link_page(world: World, name: str, subject_id: int) -> str:
    return reverse(f"{name}-link", args=[world.company.slug, subject_id])


def nothing_is_tied() -> bool:
    return not (JobLink.objects.exists() or VendorLink.objects.exists() or CommitmentLink.objects.exists())


# --- the lists -----------------------------------------------------------------------------------


def test_each_tab_shows_what_is_tied_with_both_names(world: World) -> None:
    commitment = sendable.tied_commitment(world)
    link = CommitmentLink.objects.get()
    client = browser_of(world.person())

    page = page_of(client.get(tab(world, "erp-commitments")))

    assert page.one("h2").text == "Commitments - Synced with Sage 100 Contractor®"
    row = page.one(f"#commitment-{commitment.pk}")
    facts = {cell["data-label"]: cell.text for cell in row.everything() if "data-label" in cell}
    assert facts["Number"] == commitment.number
    assert facts["Record"] == link.record_number
    assert facts["Linked"].endswith(LINKER.name)
    for name in TABS:
        assert page_of(client.get(tab(world, name))).one("#views").texts("li") == ["Not linked 0", "Linked 1"]


def test_what_is_not_tied_comes_first_and_purchase_orders_never(world: World) -> None:
    world.commitment  # noqa: B018  (made when it is asked for)
    factories.CommitmentFactory.create(project=world.project, kind="PURCHASE_ORDER")

    page = page_of(browser_of(world.person()).get(tab(world, "erp-commitments")))

    assert page.one("#views").texts("li") == ["Not linked 1", "Linked 0"]
    assert page.one(f"#commitment-{world.commitment.pk}").texts("button") == ["Link"]


@pytest.mark.parametrize("name", TABS)
def test_fifty_rows_cost_no_more_queries_than_one(world: World, name: str) -> None:
    def queries(client: Client) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(tab(world, name)).status_code == 200
        return len(asked)

    factories.CommitmentFactory.create(project=world.project)
    client = browser_of(world.person())
    one = queries(client)
    for _ in range(60):
        factories.CommitmentFactory.create(project=world.project)
        factories.ProjectFactory.create(company=world.company)

    assert queries(client) == one
    assert len(page_of(client.get(tab(world, name))).one("tbody").all("tr")) == 50


# --- linking -------------------------------------------------------------------------------------


def test_a_subcontract_of_another_number_is_linked_with_a_word_of_warning(world: World) -> None:
    contract = world.books.subcontracts[0]
    where = link_page(world, "erp-commitments", world.commitment.pk)
    client = browser_of(world.person())

    page = page_of(client.get(where, {"record_number": contract.record_number}))

    assert f"Sage calls it {contract.number}; here it is {world.commitment.number}." in page.text
    assert "Commitments originate here, never in Sage" in page.text
    type(world.commitment).objects.update(number=contract.number)
    page = page_of(client.get(where, {"record_number": contract.record_number}))
    assert "originate here" not in page.text


def test_what_was_deleted_while_sage_answered_is_not_found_and_not_linked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = world.books.jobs[0]
    client = browser_of(world.person())
    project = factories.ProjectFactory.create(company=world.company, number="3999")

    def delete_and_answer(*_: Any) -> ErpJob:
        type(project).objects.filter(pk=project.pk).delete()
        return job

    monkeypatch.setattr(record_links, "_job", delete_and_answer)
    answer = client.post(
        link_page(world, "erp-jobs", project.pk),
        {"record_number": job.record_number, "row_id": str(job.row_id)},
    )

    assert answer.status_code == 404
    assert not JobLink.objects.exists()
    assert world.events(kind="LINKED") == []


def test_a_record_is_shown_first_and_then_linked(world: World) -> None:
    job = world.books.jobs[0]
    client = browser_of(world.person())
    page = page_of(
        client.get(link_page(world, "erp-jobs", world.project.pk), {"record_number": job.record_number})
    )
    assert "Is this the one?" in page.texts("h2")
    assert job.name in page.one(".card-plain").text
    assert nothing_is_tied(), "a look links nothing"
    fields = {field["name"]: field["value"] for field in page.one(".card-plain").all("input")}

    answer = client.post(link_page(world, "erp-jobs", world.project.pk), fields)

    assert answer.status_code == 303
    assert answered_message(client.get(answer["Location"]))[0] == GREEN
    assert JobLink.objects.get().row_id == job.row_id
    [event] = LinkEvent.objects.filter(kind="LINKED")
    assert (event.actor_name, event.rights) == (
        "approver",
        "Standard on ERP Integrations, Can Push to Accounting",
    )


@pytest.mark.parametrize("number", ["", "abc", "12 3", "9" * 19, "7\x00", "<script>alert(1)</script>"])
def test_a_number_that_is_none_is_told_at_the_field_and_kept(world: World, number: str) -> None:
    address = link_page(world, "erp-jobs", world.project.pk)
    client = browser_of(world.person())

    for answer in (
        client.get(address, {"record_number": number}),
        client.post(address, {"record_number": number}),
    ):
        assert answer.status_code == 422
        page = page_of(answer)
        assert page.one(".errorlist").text
        assert (page.one("#id_record_number").get("value") or "") == number.strip()
        assert "<script>alert" not in answer.content.decode()
    assert nothing_is_tied()


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_hostile_searches_and_names_are_only_words(world: World, text: str) -> None:
    named = text.replace("\x00", "").encode("utf-8", "replace").decode()[:90]
    factories.VendorFactory.create(company=world.company, name=named)
    client = browser_of(world.person())

    typed = text.encode("utf-8", "surrogatepass").decode("latin-1")
    for query in ({"q": typed}, {}, {"view": typed}):
        answer = client.get(tab(world, "erp-vendors"), query)
        assert answer.status_code == 200
        assert "<script>alert(1)" not in answer.content.decode()


def test_a_record_that_is_not_there_links_nothing(world: World) -> None:
    client = browser_of(world.person())

    answer = client.get(link_page(world, "erp-jobs", world.project.pk), {"record_number": "99999"})

    assert answer.status_code == 409
    colour, title, _ = answered_message(answer)
    assert (colour, title) == (AMBER, "Sage 100 Contractor® holds no record 99999 of this kind")
    assert nothing_is_tied()


def test_a_sage_that_cannot_be_asked_links_nothing(world: World) -> None:
    world.sage.set_fault("offline")
    client = browser_of(world.person())

    answer = client.get(link_page(world, "erp-jobs", world.project.pk), {"record_number": "2611"})

    assert answer.status_code == 503
    assert page_of(answer).one("#id_record_number")["value"] == "2611"
    assert nothing_is_tied()


@pytest.mark.parametrize("rights", [{"can_push_to_accounting": False}, {"erp_integrations": Level.READ_ONLY}])
def test_without_the_rights_it_says_which_are_missing_and_links_nothing(
    world: World, rights: dict[str, Any]
) -> None:
    client = browser_of(world.person(**rights))
    page = page_of(client.get(tab(world, "erp-jobs") + "?view=not-linked"))
    assert world.project.pk  # made when it is asked for
    page = page_of(client.get(tab(world, "erp-jobs")))

    row = page.one(f"#project-{world.project.pk}")
    assert row.one(f"#why-{world.project.pk}").text.startswith("Needs ")
    address = link_page(world, "erp-jobs", world.project.pk)
    assert client.get(address, {"record_number": "2611"}).status_code == 403
    assert client.post(address, {"record_number": "2611"}).status_code == 403
    assert nothing_is_tied()


def test_another_companys_rows_are_not_found(world: World) -> None:
    theirs = factories.CommitmentFactory.create()
    client = browser_of(world.person())

    for name, subject in zip(TABS, (theirs.pk, theirs.project_id, theirs.vendor_id), strict=True):
        assert client.get(link_page(world, name, subject)).status_code == 404
        assert client.post(link_page(world, name, subject), {"record_number": "1201"}).status_code == 404
    assert nothing_is_tied()


# --- what the operations refuse ------------------------------------------------------------------


def test_what_is_tied_is_not_asked_about_again(world: World) -> None:
    job, actor = world.books.jobs[0].record_number, sendable.actor(world.person())
    record_links.link_job(project=world.project, record_number=job, actor=LINKER)
    world.sage.set_fault("offline")

    with pytest.raises(AlreadyLinkedToRecord):
        record_links.link_job(project=world.project, record_number=job, actor=actor)

    assert JobLink.objects.count() == 1


def test_one_record_is_tied_to_one_of_ours_only(world: World) -> None:
    job = world.books.jobs[0].record_number
    record_links.link_job(project=world.project, record_number=job, actor=LINKER)
    other = factories.ProjectFactory.create(company=world.company)

    with pytest.raises(RecordTaken):
        record_links.link_job(project=other, record_number=job, actor=LINKER)

    assert JobLink.objects.count() == 1
    assert LinkEvent.objects.filter(kind="LINKED").count() == 1


def test_a_subcontract_of_another_job_or_vendor_is_not_the_commitments(world: World) -> None:
    mine = sendable.subcontract_of(world)
    [other, *_] = [one for one in world.books.subcontracts if one.job_record_number != mine.job_record_number]
    record_links.link_job(project=world.project, record_number=mine.job_record_number, actor=LINKER)
    with pytest.raises(OfAnother) as of_job:
        record_links.link_commitment(
            commitment=world.commitment, record_number=other.record_number, actor=LINKER
        )
    assert of_job.value.what == "job"

    [vendor, *_] = [one for one in world.books.vendors if one.record_number != mine.vendor_record_number]
    record_links.link_vendor(vendor=world.commitment.vendor, record_number=vendor.record_number, actor=LINKER)
    with pytest.raises(OfAnother) as of_vendor:
        record_links.link_commitment(
            commitment=world.commitment, record_number=mine.record_number, actor=LINKER
        )
    assert of_vendor.value.what == "vendor"
    assert not CommitmentLink.objects.exists()


def test_another_record_than_the_one_that_was_shown_is_not_linked(world: World) -> None:
    job, other = world.books.jobs[:2]

    with pytest.raises(AnotherRecord):
        record_links.link_job(
            project=world.project, record_number=job.record_number, actor=LINKER, seen=other.row_id
        )

    assert nothing_is_tied()


def test_a_purchase_order_is_not_tied(world: World) -> None:
    order = factories.CommitmentFactory.create(project=world.project, kind="PURCHASE_ORDER")

    with pytest.raises(OnlySubcontracts):
        record_links.link_commitment(commitment=order, record_number="1201", actor=LINKER)

    assert nothing_is_tied()


def test_who_lost_the_rights_ties_nothing(world: World) -> None:
    actor = sendable.actor(world.person(can_push_to_accounting=False))

    with pytest.raises(NotAllowed):
        record_links.link_job(project=world.project, record_number="2611", actor=actor)

    assert nothing_is_tied()
