"""Who of staff may do what in the admin: every address of ours x every group, and what no group gives."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import get_resolver, reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from companies.models import Membership, OutgoingMail, User
from companies.operations.set_up_staff_groups import ADMINISTRATOR, LEVELS, SETS_UP, SUPPORT, SUPPORT_LEAD
from companies.queue import defer_once
from companies.staff_permissions import StaffAct
from tests.commands.terminal import run
from tests.invariants import fingerprint
from tests.web.desk import asking, staff, stuck
from tests.web.people import browser_of
from tests.web.test_admin import MODELS
from tests.web.test_permission_matrix import names_of
from tests.world import World

NOBODY, MEMBER, STAFF, SUPERUSER = "nobody", "approver", "staff without a group", "superuser"
EVERYBODY = (NOBODY, MEMBER, STAFF, SUPPORT, SUPPORT_LEAD, ADMINISTRATOR, SUPERUSER)
READERS = (SUPPORT, SUPPORT_LEAD, ADMINISTRATOR, SUPERUSER)
LEADS = (SUPPORT_LEAD, ADMINISTRATOR, SUPERUSER)
PAGE, MOVED, NOT_ALLOWED, WRONG_METHOD, BLANK = 200, 302, 403, 405, 422

OURS = (
    *("desk-", "companies_privilegerequest_grant", "companies_privilegerequest_refuse"),
    *("companies_membership_revoke", "companies_outgoingmail_try_again"),
)
"""How the names of our own addresses in the admin begin; the others are Django's."""

MATRIX: dict[str, tuple[tuple[str, ...], int, int]] = {
    "desk-search": (READERS, PAGE, WRONG_METHOD),
    "desk-change-order": (READERS, PAGE, WRONG_METHOD),
    "desk-link": (READERS, MOVED, WRONG_METHOD),
    "desk-free-attempt": (LEADS, PAGE, BLANK),
    "desk-check-now": (LEADS, PAGE, BLANK),
    "desk-relink": (LEADS, PAGE, BLANK),
    "desk-deactivate-person": (LEADS, PAGE, BLANK),
    "companies_privilegerequest_grant": (LEADS, PAGE, BLANK),
    "companies_privilegerequest_refuse": (LEADS, PAGE, BLANK),
    "companies_membership_revoke": (LEADS, PAGE, BLANK),
    "companies_outgoingmail_try_again": (READERS, WRONG_METHOD, MOVED),
}
"""Who may, and what they get for a look and for an act without words. All others: 403, or to sign in."""


def browsers(world: World) -> dict[str, Client]:
    people: dict[str, User | None] = {NOBODY: None, MEMBER: world.person(), STAFF: staff(username="alone")}
    people |= {name: staff(name, name.lower().replace(" ", "-")) for name in READERS}
    return {name: browser_of(person) for name, person in people.items()}


def test_every_address_of_the_desk_answers_everybody_as_the_matrix_says(world: World) -> None:
    clients = browsers(world)
    cco, request = world.synced_cco(), asking(world, "asks")
    mail = OutgoingMail.objects.create(
        to_name="Nobody", subject="One", message_id="<1@test>", queued_at=request.asked_at, failure="none"
    )
    rows = {
        "desk-search": None,
        "desk-change-order": cco.pk,
        "desk-free-attempt": stuck(world, cco).pk,
        "desk-deactivate-person": request.membership.user_id,
        "companies_membership_revoke": request.membership_id,
        "companies_outgoingmail_try_again": mail.pk,
    }
    wrong = []
    before = fingerprint(world.company.pk)
    for name, (who, get, post) in MATRIX.items():
        row = rows.get(name, request.pk if name.startswith("companies") else world.link_of(cco).pk)
        where = reverse(f"admin:{name}", args=[] if row is None else [row])
        for person, client in clients.items():
            for method, allowed in (("GET", get), ("POST", post)):
                answer = client.get(where) if method == "GET" else client.post(where, {"words": "  "})
                expected = allowed if person in who else NOT_ALLOWED
                if person in (NOBODY, MEMBER):
                    expected = MOVED  # to sign in
                if WRONG_METHOD in (expected, answer.status_code) and answer.status_code >= 400:
                    continue  # refused, by whichever door stands first
                if answer.status_code != expected:
                    wrong.append(f"{method} {name} as {person}: {answer.status_code}, not {expected}")
                if person in (NOBODY, MEMBER) and "desk" in answer.get("Location", "").partition("?")[0]:
                    wrong.append(f"{method} {name} as {person} leads on")

    assert not wrong, "\n".join(wrong)
    assert fingerprint(world.company.pk) == before


def test_no_address_of_the_desk_is_missing_from_the_matrix() -> None:
    names = {name.removeprefix("admin:") for name in names_of(get_resolver()) if name.startswith("admin:")}

    assert {name for name in names if name.startswith(OURS)} == set(MATRIX)


# --- the groups ----------------------------------------------------------------------------------


def may_write(group: str) -> set[str]:
    """`add company` and the like: what the admin lets somebody of that group do to rows of ours."""
    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(username=group.lower().replace(" ", "-"))
    found = set()
    for model in MODELS:
        site_admin = admin.site._registry.get(model)
        if site_admin is None:
            continue
        checks = {
            "add": site_admin.has_add_permission(request),
            "change": site_admin.has_change_permission(request),
            "delete": site_admin.has_delete_permission(request),
        }
        found |= {f"{verb} {model._meta.model_name}" for verb, may in checks.items() if may}
    return found


def test_groups_read_everything_and_only_administrators_set_up_what_is_set_up(world: World) -> None:
    browsers(world)
    set_up = {
        f"{verb} {model}" for models in SETS_UP.values() for model in models for verb in ("add", "change")
    }

    assert may_write(SUPPORT) == may_write(SUPPORT_LEAD) == set()
    assert may_write(ADMINISTRATOR) == set_up
    readable: list[type[Model]] = [model for model in MODELS if model in admin.site._registry]
    for name in (SUPPORT, SUPPORT_LEAD, ADMINISTRATOR):
        person = User.objects.get(username=name.lower().replace(" ", "-"))
        for model in readable:
            assert person.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}"), (name, model)


def test_the_command_sets_the_groups_up_again_and_puts_nobody_in(db: None) -> None:
    assert run("set_up_staff_groups").code == 0
    support, lead = Group.objects.get(name=SUPPORT), Group.objects.get(name=SUPPORT_LEAD)
    given = set(support.permissions.all())
    support.permissions.set(Permission.objects.filter(codename__startswith="delete_"))

    ran = run("set_up_staff_groups")

    assert f"{SUPPORT}: {len(given)} permissions" in ran.out
    assert set(support.permissions.all()) == given
    assert {f"{one.content_type.app_label}.{one.codename}" for one in lead.permissions.all()} >= set(StaffAct)
    assert not User.objects.filter(groups__isnull=False).exists()
    assert apps.is_installed("companies")
    codenames = set(Group.objects.get(name=ADMINISTRATOR).permissions.values_list("codename", flat=True))
    assert {f"delete_{model}" for model in LEVELS} <= codenames
    assert "delete_user" not in codenames


def test_jobs_of_the_queue_are_only_read(db: None) -> None:
    """Their actions ask for no permission of their own, and nothing would tell of them."""
    defer_once("companies.tasks.send_mail", lock="one", mail_id=1)
    where = reverse("admin:procrastinate_procrastinatejob_changelist")
    client = browser_of(staff(ADMINISTRATOR))
    assert client.get(where).status_code == PAGE

    for action in ("cancel", "abort", "retry"):
        client.post(where, {"action": action, "_selected_action": str(ProcrastinateJob.objects.get().pk)})

    assert ProcrastinateJob.objects.get().status == "todo"


@pytest.mark.parametrize("group", [SUPPORT_LEAD, ADMINISTRATOR])
def test_nobody_puts_themselves_into_a_group_or_grants_to_themselves(world: World, group: str) -> None:
    clerk = staff(group, "clerk")
    entry = Membership.objects.create(company=world.company, user=clerk)
    client, groups = browser_of(clerk), [str(one.pk) for one in Group.objects.all()]
    account = reverse("admin:companies_user_change", args=[clerk.pk])

    answer = client.post(account, {"username": "clerk", "groups": groups, "is_superuser": "on"})

    assert answer.status_code == NOT_ALLOWED
    clerk.refresh_from_db()
    assert ([one.name for one in clerk.groups.all()], clerk.is_superuser) == ([group], False)
    asked = asking(world, "asks")
    asked.membership, asked.asked_by_id = entry, clerk.pk
    asked.save()
    granted = client.post(reverse("admin:companies_privilegerequest_grant", args=[asked.pk]), {"words": "Me"})
    assert granted.status_code == 409
    assert not Membership.objects.get(pk=entry.pk).can_push_to_accounting
