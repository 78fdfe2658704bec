"""Can Push to Accounting: asked for, decided by staff and never for oneself, effective at once."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError, IntegrityError, connection, transaction

from companies.access import find_access
from companies.clock import database_now
from companies.errors import (
    AlreadyDecided,
    AlreadyGranted,
    AlreadyRequested,
    DirectoryNotAllowed,
    EntryNotActive,
    NotForOneself,
    NotGranted,
    ReasonMissing,
)
from companies.models import DirectoryEvent, Level, Membership, Outcome, OutgoingMail, PrivilegeRequest, User
from companies.operations.change_privilege import (
    grant_privilege,
    refuse_privilege,
    request_privilege,
    revoke_privilege,
)
from tests import factories
from tests.concurrency.crowd import all_at_once
from tests.world import World


@pytest.fixture
def analyst(world: World) -> User:
    return world.person("analyst", can_push_to_accounting=False)


@pytest.fixture
def staff(db: None) -> User:
    return decider("support")


def decider(username: str) -> User:
    """Staff who may decide about the privilege, and nothing else."""
    user: User = factories.UserFactory.create(username=username, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="decide_privilege"))
    return user


def entry_of(person: User) -> Membership:
    return person.memberships.get()


def ask(person: User, *, actor: User | None = None, reason: str = "I take over") -> PrivilegeRequest:
    entry = entry_of(person)
    return request_privilege(
        company_id=entry.company_id, membership_id=entry.pk, reason=reason, actor=actor or person
    )


def has_it(person: User) -> bool:
    access = find_access(user_id=person.pk, company_id=entry_of(person).company_id)
    return access is not None and access.can_push_to_accounting


def story() -> list[tuple[str, str, str]]:
    return list(DirectoryEvent.objects.order_by("id").values_list("kind", "person_name", "actor_name"))


def test_asked_granted_and_revoked_every_step_is_an_event(world: World, analyst: User, staff: User) -> None:
    administrator = world.person("company-admin", directory=Level.ADMIN)

    request = ask(analyst, actor=administrator)
    assert not has_it(analyst), "asking gives nothing"
    grant_privilege(request_id=request.pk, words="Confirmed", actor=staff)
    assert has_it(analyst)
    revoke_privilege(membership_id=entry_of(analyst).pk, words="Moved on", actor=staff)
    assert not has_it(analyst)

    assert story() == [
        ("PRIVILEGE_REQUESTED", "analyst", "company-admin"),
        ("PRIVILEGE_GRANTED", "analyst", "support"),
        ("PRIVILEGE_REVOKED", "analyst", "support"),
    ]
    assert all(DirectoryEvent.objects.values_list("rights", flat=True))
    told = OutgoingMail.objects.order_by("id").values_list("to_name", "subject")
    assert list(told) == [
        ("analyst", "Can Push to Accounting was granted for analyst in Harbor Point Builders"),
        ("company-admin", "Can Push to Accounting was granted for analyst in Harbor Point Builders"),
        ("analyst", "Can Push to Accounting was revoked in Harbor Point Builders"),
    ]
    body = OutgoingMail.objects.earliest("id").body
    assert "I take over" in body
    assert "Confirmed" in body
    assert f"http://127.0.0.1:8000/companies/harbor-point/directory/{entry_of(analyst).pk}/" in body


def test_who_asked_for_themselves_gets_one_mail(analyst: User, staff: User) -> None:
    refuse_privilege(request_id=ask(analyst).pk, words="Not now", actor=staff)

    assert OutgoingMail.objects.get().to_name == "analyst"
    assert not has_it(analyst)
    assert story()[-1][0] == "PRIVILEGE_REFUSED"
    ask(analyst)
    assert PrivilegeRequest.objects.filter(outcome=Outcome.WAITING).count() == 1, "may be asked for again"


@pytest.mark.parametrize("words", ["", "  ", "\n\t"])
def test_blanks_are_no_reason(analyst: User, staff: User, words: str) -> None:
    with pytest.raises(ReasonMissing, match=r"A reason is needed\."):
        ask(analyst, reason=words)
    request = ask(analyst)
    for decide in (grant_privilege, refuse_privilege):
        with pytest.raises(ReasonMissing):
            decide(request_id=request.pk, words=words, actor=staff)
    with pytest.raises(ReasonMissing):
        revoke_privilege(membership_id=entry_of(analyst).pk, words=words, actor=staff)

    assert [kind for kind, _, _ in story()] == ["PRIVILEGE_REQUESTED"]
    assert not has_it(analyst)


def test_nobody_asks_for_others_but_company_administrators(world: World, analyst: User) -> None:
    for level in (Level.NONE, Level.READ_ONLY, Level.STANDARD):
        with pytest.raises(DirectoryNotAllowed):
            ask(analyst, actor=world.person(f"level-{level}", directory=level))

    assert not PrivilegeRequest.objects.exists()
    assert story() == []


def test_nobody_asks_into_another_company(world: World, analyst: User) -> None:
    stranger = factories.MembershipFactory.create().user

    with pytest.raises(Membership.DoesNotExist):
        request_privilege(
            company_id=entry_of(stranger).company_id,
            membership_id=entry_of(analyst).pk,
            reason="Let me in",
            actor=stranger,
        )

    assert not PrivilegeRequest.objects.exists()


def test_one_request_waits_at_a_time(world: World, analyst: User) -> None:
    ask(analyst)

    with pytest.raises(AlreadyRequested, match="analyst requested it already"):
        ask(analyst, actor=world.person("company-admin", directory=Level.ADMIN))

    assert PrivilegeRequest.objects.count() == 1


def test_who_has_it_asks_in_vain(world: World) -> None:
    with pytest.raises(AlreadyGranted):
        ask(world.person())


def test_an_inactive_entry_is_neither_asked_for_nor_granted(world: World, analyst: User, staff: User) -> None:
    administrator = world.person("company-admin", directory=Level.ADMIN)
    request = ask(analyst)
    analyst.memberships.update(is_active=False)

    with pytest.raises(EntryNotActive):
        grant_privilege(request_id=request.pk, words="Yes", actor=staff)
    refuse_privilege(request_id=request.pk, words="Left the company", actor=staff)
    with pytest.raises(EntryNotActive):
        ask(analyst, actor=administrator)

    assert not entry_of(analyst).can_push_to_accounting


# --- who decides ---------------------------------------------------------------------------------


def refused_everything(analyst: User, actor: User, why: type[Exception]) -> None:
    """The actor may neither grant, refuse nor revoke; nothing changes."""
    request = PrivilegeRequest.objects.get(outcome=Outcome.WAITING)
    before = story()
    for decide in (grant_privilege, refuse_privilege):
        with pytest.raises(why):
            decide(request_id=request.pk, words="Mine", actor=actor)
    with pytest.raises(why):
        revoke_privilege(membership_id=entry_of(analyst).pk, words="Mine", actor=actor)
    request.refresh_from_db()
    assert request.outcome == Outcome.WAITING
    assert story() == before
    assert not OutgoingMail.objects.exists()


def test_who_is_not_staff_or_lacks_the_permission_decides_nothing(world: World, analyst: User) -> None:
    ask(analyst)

    refused_everything(analyst, world.person("company-admin", directory=Level.ADMIN), DirectoryNotAllowed)
    refused_everything(
        analyst, factories.UserFactory.create(username="reader", is_staff=True), DirectoryNotAllowed
    )


@pytest.mark.parametrize("switched_off", [{"is_active": False}, {"is_staff": False}])
def test_staff_who_were_switched_off_meanwhile_decide_nothing(
    analyst: User, staff: User, switched_off: dict[str, Any]
) -> None:
    ask(analyst)
    User.objects.filter(pk=staff.pk).update(**switched_off)

    refused_everything(analyst, staff, DirectoryNotAllowed)


def test_nobody_decides_about_themselves(world: World) -> None:
    """Not even a superuser."""
    staff = world.person("support", can_push_to_accounting=False)
    User.objects.filter(pk=staff.pk).update(is_staff=True, is_superuser=True)
    ask(staff)

    refused_everything(staff, staff, NotForOneself)
    assert not has_it(staff)


def test_a_request_is_decided_once(analyst: User, staff: User) -> None:
    request = ask(analyst)
    refuse_privilege(request_id=request.pk, words="No", actor=staff)

    for decide in (grant_privilege, refuse_privilege):
        with pytest.raises(AlreadyDecided, match="support has decided"):
            decide(request_id=request.pk, words="Yes", actor=decider(f"late-{decide.__name__}"))

    assert not has_it(analyst)
    assert OutgoingMail.objects.count() == 1


def test_what_nobody_has_is_not_revoked(analyst: User, staff: User) -> None:
    with pytest.raises(NotGranted):
        revoke_privilege(membership_id=entry_of(analyst).pk, words="Away", actor=staff)

    assert story() == []


def test_two_staff_who_decide_at_once_decide_once(committed_world: World) -> None:
    analyst = committed_world.person("analyst", can_push_to_accounting=False)
    request = ask(analyst)
    first, second = decider("first"), decider("second")

    outcomes = all_at_once(
        [
            lambda: grant_privilege(request_id=request.pk, words="Yes", actor=first),
            lambda: refuse_privilege(request_id=request.pk, words="No", actor=second),
        ]
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyDecided", "NoneType"]
    request.refresh_from_db()
    assert has_it(analyst) == (request.outcome == Outcome.GRANTED)
    assert OutgoingMail.objects.count() == 1
    assert len(story()) == 2


def test_two_requests_at_once_are_one(committed_world: World) -> None:
    analyst = committed_world.person("analyst", can_push_to_accounting=False)

    outcomes = all_at_once([lambda: ask(analyst), lambda: ask(analyst)])

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyRequested", "PrivilegeRequest"]
    assert PrivilegeRequest.objects.count() == 1


# --- around Python -------------------------------------------------------------------------------


def test_the_database_refuses_a_grant_without_its_event(analyst: User) -> None:
    def grant() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            analyst.memberships.update(can_push_to_accounting=True)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as a commit does

    with pytest.raises(IntegrityError, match="granted with an event"):
        grant()

    assert not has_it(analyst)


def test_the_database_refuses_a_second_open_request_and_one_decided_by_nobody(analyst: User) -> None:
    request = ask(analyst)
    facts = {
        "asked_at": database_now(),
        "asked_by_id": analyst.pk,
        "asked_by_name": "analyst",
        "reason": "Again",
    }

    with pytest.raises(IntegrityError, match="privilege_asked_for_once"), transaction.atomic():
        PrivilegeRequest.objects.create(membership=entry_of(analyst), **facts)
    with pytest.raises(IntegrityError, match="privilege_decided_by_whom"), transaction.atomic():
        PrivilegeRequest.objects.filter(pk=request.pk).update(outcome=Outcome.GRANTED)


def test_the_database_refuses_to_change_a_decision(analyst: User, staff: User) -> None:
    request = ask(analyst)
    refuse_privilege(request_id=request.pk, words="No", actor=staff)

    for change in ({"outcome": Outcome.GRANTED}, {"words": "Yes"}, {"decided_by_name": "Somebody"}):
        with pytest.raises(DatabaseError, match="stays as it was decided"), transaction.atomic():
            PrivilegeRequest.objects.filter(pk=request.pk).update(**change)
