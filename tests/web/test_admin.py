"""The support desk: what it may change, and what nobody may."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from pytest_django import Settings

from commitments.models import CommitmentChangeOrder, HistoryEntry
from commitments.operations.approving import set_to_draft
from companies.models import Level, Membership, User
from erp_integrations.models import (
    ChangeOrderLink,
    CommitmentLink,
    Connection,
    JobLink,
    LinkEvent,
    UnlinkAttempt,
)
from erp_integrations.operations import tying
from tests import factories
from tests.web.pages import page_of
from tests.web.people import browser_of
from tests.world import LINKER, World

OURS = ("companies", "commitments", "erp_integrations")
INSIDE = {"CompanyToolPermission", "ProjectToolPermission", "CommitmentLine", "ChangeOrderLine"}
"""Shown inside the page of what they belong to."""
READ_ONLY = (Connection, JobLink, CommitmentLink, ChangeOrderLink, UnlinkAttempt, LinkEvent, HistoryEntry)
MODELS = sorted(
    (model for label in OURS for model in apps.get_app_config(label).get_models()),
    key=lambda model: model._meta.label,
)


@pytest.fixture(autouse=True)
def queries_of_the_admin_itself(settings: Settings) -> None:
    """Django's admin reads the signed-in person and the chosen one each by itself."""
    settings.ZEAL_ALLOWLIST = [*settings.ZEAL_ALLOWLIST, {"model": "companies.User", "field": "get()"}]


@pytest.fixture
def desk(world: World) -> Client:
    """The browser of support; there is a row of every model."""
    cco, approver = world.synced_cco(), world.person()
    tying.link_job(project=world.project, record_number="2611", actor=LINKER)
    tying.link_commitment(commitment=world.commitment, record_number="1201", actor=LINKER)
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)
    world.synced_cco("plain-01")
    set_to_draft(company_id=world.company.pk, change_order_id=cco.pk, user_id=approver.pk)
    return browser_of(factories.UserFactory.create(username="support", is_staff=True, is_superuser=True))


def address(model: type[Any], page: str = "", pk: int | None = None) -> str:
    parts = ["/admin", model._meta.app_label, model._meta.model_name or ""]
    parts += [str(pk)] if pk else []
    return "/".join([*parts, page, ""]).replace("//", "/")


def test_every_model_is_registered_or_shown_inside_another() -> None:
    registered = {model.__name__ for model in admin.site._registry}
    inside = {
        inline.model.__name__ for site_admin in admin.site._registry.values() for inline in site_admin.inlines
    }

    assert inside == INSIDE
    assert {model.__name__ for model in MODELS} == (registered & {m.__name__ for m in MODELS}) | INSIDE


@pytest.mark.parametrize("model", [m for m in MODELS if m.__name__ not in INSIDE], ids=lambda m: m.__name__)
def test_lists_search_and_rows_open(desk: Client, model: type[Any]) -> None:
    assert desk.get(address(model)).status_code == 200
    for q in ("001", "harbor", "' OR 1=1", "%", "x" * 500):
        answer = desk.get(address(model), {"q": q})
        assert answer.status_code == 200, q
    assert admin.site._registry[model].search_fields
    row = model.objects.order_by("pk").first()
    assert row is not None, "the desk has a row of every model"
    assert desk.get(address(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda m: m.__name__)
def test_links_attempts_events_and_connections_are_only_read(desk: Client, model: type[Any]) -> None:
    row = model.objects.order_by("pk").first()
    before = list(model.objects.order_by("pk").values())

    assert desk.get(address(model, "add")).status_code == 403
    assert desk.post(address(model, "add"), {"reason": "x"}).status_code == 403
    assert desk.post(address(model, "change", row.pk), {"reason": "x"}).status_code == 403
    assert desk.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    desk.post(address(model), {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})

    assert list(model.objects.order_by("pk").values()) == before
    page = page_of_admin(desk, address(model, "change", row.pk))
    assert "_save" not in page
    assert "deletelink" not in page


def page_of_admin(desk: Client, where: str) -> str:
    return desk.get(where).content.decode()


def test_can_push_to_accounting_is_granted_here(desk: Client, world: World) -> None:
    membership = world.person("no-privilege", can_push_to_accounting=False).memberships.get()
    where = address(Membership, "change", membership.pk)
    form = page_of(desk.get(where)).one("#membership_form")
    fields = {f["name"]: f.get("value") or "" for f in form.all("input") if f.get("type") == "hidden"}
    for row, level in enumerate(membership.company_levels.all()):
        fields |= {f"company_levels-{row}-tool": level.tool, f"company_levels-{row}-level": str(level.level)}
    for row, grant in enumerate(membership.project_levels.all()):
        fields |= {f"project_levels-{row}-project": str(grant.project_id)}
        fields |= {f"project_levels-{row}-tool": grant.tool, f"project_levels-{row}-level": str(grant.level)}
    fields |= {"company": str(membership.company_id), "user": str(membership.user_id), "is_active": "on"}

    answer = desk.post(where, {**fields, "can_push_to_accounting": "on"})

    assert answer.status_code == 302, page_of(answer).texts(".errorlist")
    membership.refresh_from_db()
    assert membership.can_push_to_accounting
    assert membership.company_levels.get().level == Level.STANDARD


def test_nothing_of_ours_outside_the_admin_offers_the_privilege(desk: Client, world: World) -> None:
    client = browser_of(User.objects.get(username="approver"))
    for page in ("/companies/harbor-point/", "/companies/harbor-point/erp-integrations/connection/"):
        assert "can_push_to_accounting" not in client.get(page).content.decode()


def test_a_synced_cco_is_neither_changed_nor_deleted_here(desk: Client, world: World) -> None:
    [synced] = CommitmentChangeOrder.objects.filter(erp_status="SYNCED")
    before = world.before(synced)
    where = address(CommitmentChangeOrder)

    words = {"number": "999", "title": "Changed", "status": "DRAFT", "commitment": synced.commitment_id}
    assert desk.post(address(CommitmentChangeOrder, "change", synced.pk), words).status_code == 403
    assert desk.post(address(CommitmentChangeOrder, "delete", synced.pk), {"post": "yes"}).status_code == 403
    desk.post(where, {"action": "delete_selected", "_selected_action": synced.pk, "post": "yes"})

    assert CommitmentChangeOrder.objects.filter(
        pk=synced.pk, title=synced.title, number=synced.number
    ).exists()
    assert world.before(synced) == before


def test_a_list_of_ccos_with_a_synced_one_is_not_deleted_even_in_part(desk: Client, world: World) -> None:
    [synced] = CommitmentChangeOrder.objects.filter(erp_status="SYNCED")
    free = world.free_cco()
    words = {"action": "delete_selected", "_selected_action": [synced.pk, free.pk], "post": "yes"}

    answer = desk.post(address(CommitmentChangeOrder), words)

    assert answer.status_code == 200
    assert "Cannot delete Commitment Change Orders" in answer.content.decode()
    assert CommitmentChangeOrder.objects.filter(pk__in=[synced.pk, free.pk]).count() == 2


@pytest.mark.parametrize("what", ["project", "commitment", "vendor", "company"])
def test_what_a_live_link_hangs_on_is_not_deleted_here(desk: Client, world: World, what: str) -> None:
    row: Any = {
        "project": world.project,
        "commitment": world.commitment,
        "vendor": world.commitment.vendor,
        "company": world.company,
    }[what]

    answer = desk.post(address(type(row), "delete", row.pk), {"post": "yes"})

    assert answer.status_code == 200, "the page that says what stands in the way"
    assert type(row).objects.filter(pk=row.pk).exists()
    assert ChangeOrderLink.objects.filter(unlinked_at=None).count() == 1


def test_erp_status_and_amount_cannot_be_written_here(desk: Client, world: World) -> None:
    free = world.free_cco()
    words = {
        "number": free.number,
        "title": free.title,
        "status": free.status,
        "commitment": free.commitment_id,
        "erp_status": "SYNCED",
        "amount": "1.00",
        "lines-TOTAL_FORMS": "0",
        "lines-INITIAL_FORMS": "0",
    }

    desk.post(address(CommitmentChangeOrder, "change", free.pk), words)

    free.refresh_from_db()
    assert free.erp_status == "NOT_IN_ERP"
    assert free.amount == 100


# --- the door ------------------------------------------------------------------------------------


def test_the_admin_is_entered_through_the_products_sign_in(db: None) -> None:
    client = Client()

    answer = client.get("/admin/", follow=True)

    assert answer.redirect_chain[-1][0].startswith("/sign-in/")
    assert answer.redirect_chain[-1][0].endswith("?next=%2Fadmin%2F")
    tried = client.post("/admin/login/", {"username": "support", "password": "x"}, follow=True)
    assert tried.redirect_chain[-1][0].startswith("/sign-in/")


@pytest.mark.parametrize(
    "where", ["/admin/", "/admin/companies/membership/", "/admin/erp_integrations/linkevent/"]
)
def test_who_is_not_staff_is_refused(world: World, where: str) -> None:
    answer = browser_of(world.person("erp-admin", erp_integrations=Level.ADMIN)).get(where, follow=True)

    assert answer.status_code == 403
    assert b"Support desk" not in answer.content


def test_staff_who_were_switched_off_are_refused_at_once(desk: Client) -> None:
    assert desk.get("/admin/").status_code == 200
    User.objects.filter(username="support").update(is_active=False)

    assert desk.get("/admin/").status_code == 302
