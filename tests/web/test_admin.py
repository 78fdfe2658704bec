"""The support desk: what it may change, and what nobody may."""

import json
import uuid
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from commitments.models import CommitmentChangeOrder, ErpStatus, HistoryEntry
from commitments.operations.change_status import set_to_draft
from companies.clock import database_now
from companies.models import (
    DirectoryEvent,
    Level,
    Membership,
    Outcome,
    OutgoingMail,
    PrivilegeRequest,
    User,
)
from companies.operations.change_privilege import grant_privilege, request_privilege
from erp_integrations.bulk_unlink.operations import start_bulk_unlink
from erp_integrations.deletions.confirm_deletion import state_deletion
from erp_integrations.ledger.actors import Actor
from erp_integrations.models import (
    BulkUnlink,
    BulkUnlinkItem,
    ChangeOrderLink,
    CommitmentLink,
    Connection,
    Export,
    IgnoredRecord,
    JobLink,
    LinkEvent,
    PresenceKey,
    ReconcileRun,
    UnlinkAttempt,
    VendorLink,
    Via,
)
from erp_integrations.reconciliation.reconcile import reconcile
from erp_integrations.record_links import operations as record_links
from tests import factories
from tests.ledger import link_event
from tests.sendable import actor
from tests.web.pages import page_of
from tests.web.people import browser_of
from tests.world import LINKER, World

OURS = ("companies", "commitments", "erp_integrations")
INSIDE = {
    "CompanyToolPermission",
    "ProjectToolPermission",
    "CommitmentLine",
    "ChangeOrderLine",
    "CommitmentLineLink",
}
"""Shown inside the page of what they belong to."""
READ_ONLY = (
    *(Connection, JobLink, CommitmentLink, VendorLink, ChangeOrderLink, UnlinkAttempt, LinkEvent, Export),
    *(HistoryEntry, DirectoryEvent, PrivilegeRequest, OutgoingMail),
    *(BulkUnlink, BulkUnlinkItem, ReconcileRun),
)
MODELS = sorted(
    (model for label in OURS for model in apps.get_app_config(label).get_models()),
    key=lambda model: model._meta.label,
)


@pytest.fixture(autouse=True)
def queries_of_the_admin_itself(settings: Settings) -> None:
    """Django's admin reads the signed-in person and the chosen one each by itself, and each row it names."""
    settings.ZEAL_ALLOWLIST = [
        *settings.ZEAL_ALLOWLIST,
        {"model": "companies.User", "field": "get()"},
        {"model": "companies.Membership", "field": "*"},
        {"model": "companies.CompanyToolPermission", "field": "get()"},
    ]


@pytest.fixture
def desk(world: World) -> Client:
    """The browser of support; there is a row of every model."""
    cco, approver = world.synced_cco(), world.person()
    record_links.link_job(project=world.project, record_number="2611", actor=LINKER)
    record_links.link_commitment(commitment=world.commitment, record_number="1201", actor=LINKER)
    vendor = next(one for one in world.books.subcontracts if one.record_number == "1201").vendor_record_number
    record_links.link_vendor(vendor=world.commitment.vendor, record_number=vendor, actor=LINKER)
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)
    synced = world.synced_cco("plain-01")
    ChangeOrderLink.objects.filter(change_order=synced).update(presence=PresenceKey.JOB_MISSING)
    state_deletion(
        company_id=world.company.pk,
        record_numbers=[world.record_of(synced)],
        reason="Deleted with its job",
        actor=actor(world.erp_admin()),
    )
    IgnoredRecord.objects.create(
        connection=world.connection,
        row_id=uuid.uuid4(),
        record_number="799",
        reason="Entered twice",
        ignored_at=database_now(),
        ignored_by_id=approver.pk,
        ignored_by_name=approver.name,
    )
    Export.objects.create(
        connection=world.connection,
        change_order=world.free_cco(erp_status=ErpStatus.READY_TO_EXPORT),
        sent_at=database_now(),
        sent_by_name=approver.name,
    )
    set_to_draft(company_id=world.company.pk, change_order_id=cco.pk, user_id=approver.pk)
    asking(world, "was-granted", decided=True)
    reconcile(connection_id=world.connection.pk, actor=LINKER)
    start_bulk_unlink(
        company_id=world.company.pk,
        change_order_ids=[synced.pk],
        actor=Actor(user_id=approver.pk, name=approver.name, via=Via.PAGE),
    )
    return browser_of(support())


def support(username: str = "support") -> User:
    found = User.objects.filter(username=username).first()
    return found or factories.UserFactory.create(username=username, is_staff=True, is_superuser=True)


def asking(world: World, username: str, *, decided: bool = False) -> PrivilegeRequest:
    """Somebody without the privilege has asked for it; and support has granted it where it was decided."""
    person = world.person(username, can_push_to_accounting=False)
    request = request_privilege(
        company_id=world.company.pk,
        membership_id=person.memberships.get().pk,
        reason="I take over the approvals",
        actor=person,
    )
    if decided:
        grant_privilege(request_id=request.pk, words="As agreed", actor=support())
    return request


def address(model: type[Any], page: str = "", pk: int | None = None) -> str:
    parts = ["/admin", model._meta.app_label, model._meta.model_name or ""]
    parts += [str(pk)] if pk else []
    return "/".join([*parts, page, ""]).replace("//", "/")


def test_every_model_is_registered_or_shown_inside_another() -> None:
    registered = {model.__name__ for model in admin.site._registry}
    inside = {
        inline.model.__name__
        for model, site_admin in admin.site._registry.items()
        for inline in site_admin.inlines
        if model._meta.app_label in OURS
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


def _filled_in(desk: Client, membership: Membership) -> dict[str, str]:
    """The form of an entry, as it is."""
    form = page_of(desk.get(address(Membership, "change", membership.pk))).one("#membership_form")
    fields = {f["name"]: f.get("value") or "" for f in form.all("input") if f.get("type") == "hidden"}
    for row, level in enumerate(membership.company_levels.all()):
        fields |= {f"company_levels-{row}-tool": level.tool, f"company_levels-{row}-level": str(level.level)}
    for row, grant in enumerate(membership.project_levels.all()):
        fields |= {f"project_levels-{row}-project": str(grant.project_id)}
        fields |= {f"project_levels-{row}-tool": grant.tool, f"project_levels-{row}-level": str(grant.level)}
    return {
        **fields,
        "company": str(membership.company_id),
        "user": str(membership.user_id),
        "is_active": "on",
        "subscribed_to_digest": "on",
    }


def test_the_form_of_an_entry_does_not_write_the_privilege(desk: Client, world: World) -> None:
    """Every grant is an event, so no form saves it."""
    membership = world.person("no-privilege", can_push_to_accounting=False).memberships.get()
    where = address(Membership, "change", membership.pk)
    form = page_of(desk.get(where)).one("#membership_form")
    assert [f for f in form.all("input") if f.get("name") == "can_push_to_accounting"] == []
    fields = _filled_in(desk, membership)

    answer = desk.post(where, {**fields, "can_push_to_accounting": "on"})

    assert answer.status_code == 302, page_of(answer).texts(".errorlist")
    membership.refresh_from_db()
    assert not membership.can_push_to_accounting
    assert membership.company_levels.get().level == Level.STANDARD


def test_an_entry_with_the_privilege_is_not_handed_to_somebody_else(desk: Client, world: World) -> None:
    """It would bring the privilege along, without an event; to oneself, too."""
    membership = world.person("privileged").memberships.get()
    where = address(Membership, "change", membership.pk)
    oneself = desk.session["_auth_user_id"]
    fields = {**_filled_in(desk, membership), "user": oneself}

    answer = desk.post(where, fields)

    assert answer.status_code == 302, page_of(answer).texts(".errorlist")
    kept = Membership.objects.get(pk=membership.pk)
    assert (kept.user_id, kept.company_id) == (membership.user_id, membership.company_id)


def test_a_level_that_support_changes_is_an_event(desk: Client, world: World) -> None:
    entry = world.person("analyst").memberships.get()
    fields = {**_filled_in(desk, entry), "company_levels-0-level": str(Level.ADMIN)}
    events = DirectoryEvent.objects.count()

    desk.post(address(Membership, "change", entry.pk), fields)

    event = DirectoryEvent.objects.latest("id")
    assert DirectoryEvent.objects.count() == events + 1
    assert (event.what, event.before, event.after) == ("ERP Integrations", "Standard", "Admin")
    assert (event.person_name, event.actor_name) == ("analyst", support().name)


def test_an_entry_that_support_makes_switches_off_and_deletes_is_told(desk: Client, world: World) -> None:
    person = factories.UserFactory.create(username="new-hire")
    made = {
        "user": person.pk,
        "company": world.company.pk,
        "is_active": "on",
        "subscribed_to_digest": "on",
        "company_levels-TOTAL_FORMS": "1",
        "company_levels-INITIAL_FORMS": "0",
        "company_levels-0-tool": "DIRECTORY",
        "company_levels-0-level": "1",
        "project_levels-TOTAL_FORMS": "1",
        "project_levels-INITIAL_FORMS": "0",
        "project_levels-0-project": world.project.pk,
        "project_levels-0-tool": "COMMITMENTS",
        "project_levels-0-level": "2",
    }
    seen = DirectoryEvent.objects.latest("id").pk

    assert desk.post(address(Membership, "add"), made).status_code == 302
    entry = person.memberships.get()
    fields = _filled_in(desk, entry)
    off = {**fields, "is_active": "", "subscribed_to_digest": "", "company_levels-0-DELETE": "on"}
    desk.post(address(Membership, "change", entry.pk), off)
    desk.post(reverse("admin:desk-deactivate-person", args=[person.pk]), {"words": "Left the company"})
    chosen = {"action": "delete_selected", "_selected_action": person.pk, "post": "yes"}
    desk.post(address(User), chosen)

    assert not User.objects.filter(pk=person.pk).exists()
    events = DirectoryEvent.objects.filter(pk__gt=seen).order_by("id")
    assert {(event.person_name, event.actor_name) for event in events} == {("new-hire", support().name)}
    harbor = "Commitments in Harbor Tower (2611)"
    assert [(event.what, event.before, event.after) for event in events] == [
        ("Directory entry", "none", "active"),
        ("Directory", "None", "Read Only"),
        (harbor, "None", "Standard"),
        ("Directory entry", "active", "inactive"),
        ("ERP digest emails", "subscribed", "not subscribed"),
        ("Directory", "Read Only", "None"),
        ("Account", "active", "inactive"),
        ("Directory entry", "inactive", "none"),
        (harbor, "Standard", "None"),
    ]


@pytest.mark.parametrize("way", ["level", "entry", "account", "delete", "list"])
def test_support_does_not_take_the_last_administrator_away(desk: Client, world: World, way: str) -> None:
    person = world.person("company-admin", directory=Level.ADMIN, can_push_to_accounting=False)
    entry = person.memberships.get()
    where = address(Membership, "change", entry.pk)
    fields = _filled_in(desk, entry)
    [row] = [number for number, one in enumerate(entry.company_levels.all()) if one.tool == "DIRECTORY"]
    events = DirectoryEvent.objects.count()
    if way == "level":
        answer = desk.post(where, {**fields, f"company_levels-{row}-level": "2"}, follow=True)
    elif way == "entry":
        answer = desk.post(
            where, {name: value for name, value in fields.items() if name != "is_active"}, follow=True
        )
    elif way == "account":
        where = reverse("admin:desk-deactivate-person", args=[person.pk])
        answer = desk.post(where, {"words": "Left the company"})
    elif way == "delete":
        answer = desk.post(address(Membership, "delete", entry.pk), {"post": "yes"}, follow=True)
    else:
        chosen = {"action": "delete_selected", "_selected_action": person.pk, "post": "yes"}
        answer = desk.post(address(User), chosen, follow=True)

    page = page_of(answer)
    words = page.texts(".errorlist") if way in ("level", "entry") else page.texts(".messagelist")
    assert len(words) == 1, "and nothing says that it was done"
    assert "This is the last active administrator of Harbor Point Builders." in words[0]
    assert "Nothing was changed." in words[0]
    if way == "level":
        levels = page.one(f"#id_company_levels-{row}-level").all("option")
        assert [one["value"] for one in levels if "selected" in one] == ["2"], "what was typed is kept"
    assert not LogEntry.objects.exists()
    kept = Membership.objects.get(pk=entry.pk)
    assert (kept.is_active, kept.user.is_active) == (True, True)
    assert kept.company_levels.get(tool="DIRECTORY").level == Level.ADMIN
    assert DirectoryEvent.objects.count() == events


def test_no_form_switches_an_account_off(desk: Client, world: World) -> None:
    """That asks why; switching it on again does not."""
    person = world.person("analyst")
    names = {"username": person.username, "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    where = address(User, "change", person.pk)

    assert desk.post(where, names).status_code == 302
    person.refresh_from_db()
    assert person.is_active
    User.objects.filter(pk=person.pk).update(is_active=False)
    desk.post(where, {**names, "is_active": "on"})

    person.refresh_from_db()
    assert person.is_active
    assert DirectoryEvent.objects.latest("id").after == "active"


def test_staff_who_change_people_make_nobody_more_than_they_are(world: World) -> None:
    clerk = factories.UserFactory.create(username="clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user"]))
    client, person, boss = browser_of(clerk), world.person("analyst"), support()
    everything = {
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
    }

    assert (
        client.post(
            address(User, "change", person.pk), {"username": "analyst", "first_name": "Cost", **everything}
        ).status_code
        == 302
    )
    for one in (clerk, boss):
        where = address(User, "change", one.pk)
        assert client.post(where, {"username": one.username, **everything}).status_code == 403
        assert client.post(f"/admin/companies/user/{one.pk}/password/", {}).status_code == 403

    said = page_of(client.get(address(User, "change", boss.pk))).one(".messagelist").text
    assert said.startswith("Only a superuser changes or deletes the accounts of staff")
    said = page_of(client.get(address(User, "change", person.pk))).one(".messagelist").text
    assert said.startswith("Only a superuser makes a person staff or superuser")
    person.refresh_from_db()
    clerk.refresh_from_db()
    assert (person.first_name, person.is_staff, person.is_superuser) == ("Cost", False, False)
    assert (clerk.is_staff, clerk.is_superuser) == (True, False)


def test_staff_in_a_group_do_not_give_it_every_permission(db: None) -> None:
    clerk = factories.UserFactory.create(username="clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(content_type__model="group"))
    group = Group.objects.create(name="Desk")
    clerk.groups.add(group)
    everything = {"name": "Desk", "permissions": [str(one.pk) for one in Permission.objects.all()]}
    client = browser_of(clerk)

    assert client.post(f"/admin/auth/group/{group.pk}/change/", everything).status_code == 403
    assert client.post("/admin/auth/group/add/", {**everything, "name": "Mine"}).status_code == 403
    assert client.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"}).status_code == 403

    assert list(Group.objects.all()) == [group]
    assert not group.permissions.exists()


# --- deciding about the privilege ----------------------------------------------------------------


def decision(request: PrivilegeRequest, name: str) -> str:
    return address(PrivilegeRequest, name, request.pk)


def test_what_waits_stands_first_and_says_who_asks_for_whom_and_why(desk: Client, world: World) -> None:
    asking(world, "asks-now")

    rows = page_of(desk.get(address(PrivilegeRequest))).one("#result_list").one("tbody").all("tr")

    assert [("asks-now" in row.text, "was-granted" in row.text) for row in rows] == [
        (True, False),
        (False, True),
    ]
    assert "Harbor Point Builders" in rows[0].text
    assert "I take over the approvals" in rows[0].text


def test_granting_counts_at_once_is_an_event_and_is_mailed(desk: Client, world: World) -> None:
    request = asking(world, "asks-now")
    page = page_of(desk.get(address(PrivilegeRequest, "change", request.pk)))
    assert [link["href"] for link in page.all("a") if link.text in ("Grant", "Refuse")] == [
        decision(request, "grant"),
        decision(request, "refuse"),
    ]
    assert "I take over the approvals" in page_of(desk.get(decision(request, "grant"))).one("#content").text

    answer = desk.post(decision(request, "grant"), {"words": "Confirmed by the controller"}, follow=True)

    assert "Decided. The people concerned are told by mail." in answer.content.decode()
    assert Membership.objects.get(user__username="asks-now").can_push_to_accounting
    event = DirectoryEvent.objects.latest("id")
    assert (event.kind, event.person_name, event.actor_name) == (
        "PRIVILEGE_GRANTED",
        "asks-now",
        "support",
    )
    assert event.reason == "Confirmed by the controller"
    assert event.rights
    told = OutgoingMail.objects.latest("id")
    assert told.to == "asks-now@example.com"
    assert "Confirmed by the controller" in told.body


def test_refusing_leaves_the_privilege_away_and_is_mailed(desk: Client, world: World) -> None:
    request = asking(world, "asks-now")

    desk.post(decision(request, "refuse"), {"words": "A colleague still does it"})

    request.refresh_from_db()
    assert (request.outcome, request.words) == (Outcome.REFUSED, "A colleague still does it")
    assert not Membership.objects.get(user__username="asks-now").can_push_to_accounting
    assert "A colleague still does it" in OutgoingMail.objects.latest("id").body


@pytest.mark.parametrize("words", [None, "", "   ", "\n\t"])
@pytest.mark.parametrize("name", ["grant", "refuse"])
def test_a_decision_without_words_is_refused(
    desk: Client, world: World, name: str, words: str | None
) -> None:
    request = asking(world, "asks-now")
    events = DirectoryEvent.objects.count()

    answer = desk.post(decision(request, name), {} if words is None else {"words": words})

    assert answer.status_code == 422
    assert "A reason is needed. Nothing was changed." in answer.content.decode()
    request.refresh_from_db()
    assert request.outcome == Outcome.WAITING
    assert DirectoryEvent.objects.count() == events


def test_looking_at_a_decision_decides_nothing(desk: Client, world: World) -> None:
    request = asking(world, "asks-now")

    desk.get(decision(request, "grant"), {"words": "By address"})

    request.refresh_from_db()
    assert request.outcome == Outcome.WAITING


@pytest.mark.parametrize("name", ["grant", "refuse"])
def test_what_a_colleague_decided_meanwhile_stays_and_is_told(desk: Client, world: World, name: str) -> None:
    request = asking(world, "asks-now")
    grant_privilege(request_id=request.pk, words="Done", actor=support("colleague"))
    events, mails = DirectoryEvent.objects.count(), OutgoingMail.objects.count()

    answer = desk.post(decision(request, name), {"words": "Second"}, follow=True)

    told = page_of(answer).one(".messagelist").text
    assert told == "Colleague has decided this request already. Nothing was changed."
    assert (DirectoryEvent.objects.count(), OutgoingMail.objects.count()) == (events, mails)
    request.refresh_from_db()
    assert request.words == "Done"


def test_nobody_decides_for_themselves(desk: Client, world: World) -> None:
    request = asking(world, "asks-now")
    PrivilegeRequest.objects.filter(pk=request.pk).update(membership=own_entry(world))

    answer = desk.post(decision(request, "grant"), {"words": "I deserve it"}, follow=True)

    assert "You cannot decide about your own privilege." in answer.content.decode()
    assert not Membership.objects.get(user__username="support").can_push_to_accounting


def own_entry(world: World) -> Membership:
    """Support's own entry in the company."""
    entry: Membership = factories.MembershipFactory.create(company=world.company, user=support())
    return entry


def test_staff_without_the_permission_to_decide_may_not(desk: Client, world: World) -> None:
    request = asking(world, "asks-now")
    reader = factories.UserFactory.create(username="reader", is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename="view_privilegerequest"))
    client = browser_of(reader)

    page = page_of(client.get(address(PrivilegeRequest, "change", request.pk)))
    assert [link.text for link in page.all("a") if link.text in ("Grant", "Refuse")] == []
    for name in ("grant", "refuse"):
        assert client.get(decision(request, name)).status_code == 403
        assert client.post(decision(request, name), {"words": "Mine"}).status_code == 403

    request.refresh_from_db()
    assert request.outcome == Outcome.WAITING


def test_revoking_counts_at_once_needs_words_and_happens_once(desk: Client, world: World) -> None:
    entry = Membership.objects.get(user__username="was-granted")
    where = address(Membership, "revoke", entry.pk)
    assert desk.post(where, {"words": " "}).status_code == 422
    assert Membership.objects.get(pk=entry.pk).can_push_to_accounting

    desk.post(where, {"words": "Left accounting"})
    again = desk.post(where, {"words": "Left accounting"}, follow=True)

    assert not Membership.objects.get(pk=entry.pk).can_push_to_accounting
    assert "does not have Can Push to Accounting any more. Nothing was changed." in again.content.decode()
    assert DirectoryEvent.objects.filter(kind="PRIVILEGE_REVOKED").count() == 1
    assert "Left accounting" in OutgoingMail.objects.latest("id").body


def test_an_unknown_request_or_entry_is_not_found(desk: Client) -> None:
    for where in (address(PrivilegeRequest, "grant", 9999), address(Membership, "revoke", 9999)):
        assert desk.post(where, {"words": "x"}).status_code == 404


def test_a_mail_that_was_given_up_is_tried_again(desk: Client) -> None:
    mail = OutgoingMail.objects.latest("id")
    OutgoingMail.objects.filter(pk=mail.pk).update(next_try_at=None, attempts=30, failure="It is away.")
    where = address(OutgoingMail, "try-again", mail.pk)
    assert "It is away." in page_of_admin(desk, address(OutgoingMail))
    assert desk.get(where).status_code == 405

    desk.post(where)

    mail.refresh_from_db()
    assert mail.next_try_at is not None
    assert mail.attempts == 0


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


# --- the ledger as a file ------------------------------------------------------------------------


def test_support_exports_the_ledger_of_one_company_or_of_all(world: World, desk: Client) -> None:
    other = factories.CompanyFactory.create(slug="ridgeline")
    link_event(world, company_id=other.pk, company_slug=other.slug)
    url = "/admin/erp_integrations/linkevent/export/"
    period = {"at_from": "2026-01-01", "at_to": "2199-12-31", "format": "jsonl"}

    assert "Export the ledger" in page_of(desk.get(address(LinkEvent))).text
    assert "All companies" in page_of(desk.get(url)).text
    files = {
        company: b"".join(desk.get(url, period | {"company": company}).streaming_content)  # type: ignore[attr-defined]
        for company in ("", str(other.pk))
    }
    books = LinkEvent.objects.count() + DirectoryEvent.objects.count()
    assert files[""].count(b"\n") == books > 1
    assert [json.loads(line)["company"] for line in files[str(other.pk)].splitlines()] == ["ridgeline"]

    for wrong in ({"at_from": "2199-12-31", "at_to": "2026-01-01"}, {"company": "0"}, {"format": "xml"}):
        answer = desk.get(url, period | wrong)
        assert (answer.status_code, answer.streaming) == (422, False)


def test_the_ledger_is_exported_by_whom_it_was_given_to(world: World) -> None:
    url = "/admin/erp_integrations/linkevent/export/?at_from=2026-01-01&at_to=2026-01-02&format=csv"
    clerk = factories.UserFactory.create(username="clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_linkevent"))

    assert browser_of(clerk).get(url).status_code == 403
    assert "Export the ledger" not in page_of(browser_of(clerk).get(address(LinkEvent))).text
    assert browser_of(world.person()).get(url).status_code == 302
    assert browser_of(world.person("poster")).post(url).status_code == 302
    clerk.user_permissions.add(Permission.objects.get(codename="export_ledger"))
    assert browser_of(clerk).get(url).streaming
    assert browser_of(clerk).post(url).status_code == 405
