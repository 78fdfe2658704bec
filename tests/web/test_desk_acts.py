"""What staff do from the desk: the pages' own operations, each with a reason, none of them an unlink."""

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import get_resolver, reverse

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.admin_actions import ActionReasonForm
from companies.models import DirectoryEvent, Level, User
from erp_integrations.ledger.actors import actor_in_admin
from erp_integrations.links.unlink import unlink_change_order
from erp_integrations.models import AttemptState, EventKind, LinkEvent, UnlinkAttempt, Via
from erp_integrations.workflow.errors import NotAllowed
from tests import factories
from tests.invariants import assert_promise_kept, fingerprint
from tests.web.desk import staff, stuck
from tests.web.pages import page_of
from tests.web.people import browser_of
from tests.web.test_permission_matrix import names_of
from tests.world import World

WHY = {"words": "  The approver's laptop was closed  "}


@pytest.fixture
def lead(db: None) -> Client:
    return browser_of(staff("Support lead", "lead"))


def address(name: str, pk: int) -> str:
    return reverse(f"admin:desk-{name}", args=[pk])


def told(answer: object) -> str:
    return page_of(answer).one(".messagelist").text


def last_event(kind: EventKind) -> LinkEvent:
    return LinkEvent.objects.filter(kind=kind).latest("id")


def _unlinked(world: World) -> CommitmentChangeOrder:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)
    return cco


# --- free ----------------------------------------------------------------------------------------


def test_a_stuck_attempt_is_freed_with_who_and_why_and_its_link_stays(lead: Client, world: World) -> None:
    cco = world.synced_cco()
    attempt = stuck(world, cco)
    before = world.before(cco)
    page = page_of(lead.get(reverse("admin:desk-change-order", args=[cco.pk])))
    [way] = [link["href"] for link in page.all("a") if link.text == "Free the stuck attempt"]
    assert way == address("free-attempt", attempt.pk)

    answer = lead.post(way, WHY, follow=True)

    assert "The attempt is freed. The link is as it was" in told(answer)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.reason) == (AttemptState.NO_ANSWER, "expired")
    assert world.before(cco) == before
    asked, freed = LinkEvent.objects.order_by("-id")[:2][::-1]
    assert (asked.kind, asked.actor_name, asked.attempt_id) == ("NO_ANSWER", "approver", attempt.pk)
    assert (freed.kind, freed.actor_name, freed.via) == (EventKind.ATTEMPT_FREED, "lead", Via.ADMIN)
    assert freed.rights == "staff, may free stuck attempts"
    assert freed.reason == "The approver's laptop was closed"
    assert freed.evidence["attempt"] == attempt.pk
    assert "because: The approver's laptop was closed" in page_of(answer).one("#content").text
    assert_promise_kept()
    world.delete_in_sage(cco)
    world.unlink(cco, by=User.objects.get(username="approver"))
    assert not world.link_of(cco).is_active, "anybody who may asks again"


@pytest.mark.parametrize("ended", [False, True], ids=["its lease holds", "it has ended"])
def test_an_attempt_that_is_not_stuck_is_left_alone_and_nothing_typed_is_lost(
    lead: Client,
    world: World,
    ended: bool,  # noqa: FBT001
) -> None:
    cco = world.synced_cco()
    attempt = stuck(world, cco, over=ended)
    if ended:
        UnlinkAttempt.objects.filter(pk=attempt.pk).update(state="NO_ANSWER", ended_at=attempt.expires_at)
    before = fingerprint(world.company.pk)

    answer = lead.post(address("free-attempt", attempt.pk), WHY)

    assert answer.status_code == 409
    words = "It has ended meanwhile: no trustworthy answer." if ended else "Its lease is not over"
    assert words in told(answer)
    assert "Nothing was changed." in told(answer)
    assert page_of(answer).one("textarea").text == WHY["words"].strip()
    assert fingerprint(world.company.pk) == before


# --- check now -----------------------------------------------------------------------------------


def test_check_now_writes_what_sage_said_and_cuts_nothing(lead: Client, world: World) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)

    answer = lead.post(address("check-now", world.link_of(cco).pk), WHY, follow=True)

    assert "says something new about it" in told(answer)
    link = world.link_of(cco)
    assert (link.is_active, link.presence) == (True, "absent")
    event = last_event(EventKind.CHECKED)
    assert (event.via, event.actor_name, event.reason) == (Via.ADMIN, "lead", WHY["words"].strip())
    assert (event.subject_kind, event.subject_id) == ("change-order", cco.pk)
    assert event.rights == "staff, may ask the ERP whether a record is there"
    assert "Deleted" in page_of(answer).one(".desk-now").text
    assert_promise_kept()


def test_a_silent_sage_leaves_what_is_known_and_what_was_typed(lead: Client, world: World) -> None:
    cco = world.synced_cco()
    before = world.link_of(cco).presence_checked_at
    world.sage.set_fault("offline")

    answer = lead.post(address("check-now", world.link_of(cco).pk), WHY)

    assert answer.status_code == 409
    assert page_of(answer).one("textarea").text == WHY["words"].strip()
    assert world.link_of(cco).presence_checked_at == before
    event = last_event(EventKind.CHECKED)
    assert (event.reason, event.evidence["fault"]["code"] != "") == (WHY["words"].strip(), True)


def test_of_a_link_that_ended_meanwhile_nothing_is_asked(lead: Client, world: World) -> None:
    link = world.link_of(_unlinked(world))

    answer = lead.post(address("check-now", link.pk), WHY)

    assert (answer.status_code, "This link has ended meanwhile" in told(answer)) == (409, True)
    assert not LinkEvent.objects.filter(kind=EventKind.CHECKED).exists()


# --- relink --------------------------------------------------------------------------------------


def test_relink_ties_the_very_record_again_when_it_is_back(lead: Client, world: World) -> None:
    cco = _unlinked(world)
    former = world.link_of(cco)
    where = address("relink", former.pk)
    refused = lead.post(where, WHY)
    assert refused.status_code == 409
    assert "The record is not back in Sage 100 Contractor®" in told(refused)
    assert not world.link_of(cco).is_active
    world.sage.restore(former.record_number, user="ACCT1")

    answer = lead.post(where, WHY, follow=True)

    assert f"tied to record {former.record_number} again" in told(answer)
    assert world.link_of(cco).is_active
    event = last_event(EventKind.RELINKED)
    assert (event.via, event.reason, event.rights) == (
        Via.ADMIN,
        WHY["words"].strip(),
        "staff, may relink CCOs",
    )
    again = lead.post(where, WHY)
    assert (again.status_code, "It is Synced by now" in told(again)) == (409, True)
    assert_promise_kept()


# --- deactivate ----------------------------------------------------------------------------------


def test_a_person_who_is_deactivated_is_out_at_once_and_the_directory_tells_why(
    lead: Client, world: World
) -> None:
    person = world.person()
    session = browser_of(person)
    assert session.get("/companies/harbor-point/").status_code == 200
    form = page_of(lead.get(reverse("admin:companies_user_change", args=[person.pk])))
    [way] = [link["href"] for link in form.all("a") if link.text == "Deactivate"]

    lead.post(way, WHY)

    person.refresh_from_db()
    assert not person.is_active
    assert session.get("/companies/harbor-point/").status_code == 302
    event = DirectoryEvent.objects.latest("id")
    assert (event.what, event.before, event.after) == ("Account", "active", "inactive")
    assert (event.actor_name, event.rights) == ("lead", "staff, may deactivate people")
    assert event.reason == WHY["words"].strip()
    assert WHY["words"].strip() in LogEntry.objects.get().change_message
    again = lead.post(way, WHY)
    assert (again.status_code, "not active any more" in told(again)) == (409, True)
    assert DirectoryEvent.objects.filter(what="Account").count() == 1


def _last_administrator(world: World) -> User:
    return world.person("company-admin", directory=Level.ADMIN)


def _colleague(_: World) -> User:
    return staff("Support", "colleague")


def _oneself(_: World) -> User:
    return User.objects.get(username="lead")


@pytest.mark.parametrize(
    ("whom", "words"),
    [
        (_last_administrator, "This is the last active administrator of Harbor Point Builders."),
        (_colleague, "Only a superuser deactivates staff"),
        (_oneself, "You cannot deactivate your own account."),
    ],
)
def test_who_must_stay_is_not_deactivated(
    lead: Client, world: World, whom: Callable[[World], User], words: str
) -> None:
    person = whom(world)

    answer = lead.post(address("deactivate-person", person.pk), WHY)

    assert (answer.status_code, words in told(answer)) == (409, True)
    person.refresh_from_db()
    assert person.is_active
    assert not DirectoryEvent.objects.filter(what="Account").exists()
    assert not LogEntry.objects.exists()


def test_a_superuser_deactivates_staff(world: World) -> None:
    colleague = staff("Support", "colleague")

    browser_of(staff("superuser")).post(address("deactivate-person", colleague.pk), WHY)

    colleague.refresh_from_db()
    assert not colleague.is_active
    assert LogEntry.objects.get().object_id == str(colleague.pk), "told, although no Directory knows them"


# --- of all of them ------------------------------------------------------------------------------


def every_act(world: World) -> dict[str, int]:
    """Each act's name, and a row on which it could be done now."""
    cco = world.synced_cco()
    attempt = stuck(world, cco)
    gone = world.synced_cco("plain-01")
    world.delete_in_sage(gone)
    world.unlink(gone, by=User.objects.get(username="approver"))
    world.sage.restore(world.record_of(gone), user="ACCT1")
    return {
        "free-attempt": attempt.pk,
        "check-now": world.link_of(cco).pk,
        "relink": world.link_of(gone).pk,
        "deactivate-person": User.objects.get(username="approver").pk,
    }


def test_every_act_refuses_blanks_and_a_look_does_nothing(lead: Client, world: World) -> None:
    acts = every_act(world)
    before = fingerprint(world.company.pk)

    for name, pk in acts.items():
        assert lead.get(address(name, pk), WHY).status_code == 200
        for words in ("", "   ", "\n\t", "x" * 1001):
            answer = lead.post(address(name, pk), {"words": words})
            assert answer.status_code == 422, name
            page = page_of(answer).one("#content")
            assert page.all(".errorlist")
            assert page.one("textarea").text == words.strip(), "nothing typed is lost"

    assert fingerprint(world.company.pk) == before


def test_a_permission_that_was_taken_away_meanwhile_counts_at_the_act(
    lead: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the door let them in, and before the operation began."""
    acts = every_act(world)
    before = fingerprint(world.company.pk)
    clerk = User.objects.get(username="lead")
    groups = list(clerk.groups.all())

    def lets_nobody(form: ActionReasonForm) -> bool:
        clerk.groups.clear()
        return is_valid(form)

    is_valid = ActionReasonForm.is_valid
    monkeypatch.setattr(ActionReasonForm, "is_valid", lets_nobody)
    for name, pk in acts.items():
        clerk.groups.set(groups)
        assert lead.post(address(name, pk), WHY).status_code == 403, name

    assert fingerprint(world.company.pk) == before
    assert User.objects.get(username="approver").is_active


def test_a_row_deleted_between_the_door_and_the_act_is_not_found(
    lead: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = factories.UserFactory.create()
    is_valid = ActionReasonForm.is_valid

    def deletes(form: ActionReasonForm) -> bool:
        User.objects.filter(pk=person.pk).delete()
        return is_valid(form)

    monkeypatch.setattr(ActionReasonForm, "is_valid", deletes)

    assert lead.post(address("deactivate-person", person.pk), WHY).status_code == 404
    assert not LogEntry.objects.exists()


def test_nothing_is_unlinked_from_the_admin_even_by_staff_with_all_three_rights(world: World) -> None:
    both = world.person()
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    User.objects.filter(pk=both.pk).update(is_staff=True, is_superuser=True)
    before = world.before(cco)

    with pytest.raises(NotAllowed):
        unlink_change_order(company_id=world.company.pk, change_order_id=cco.pk, actor=actor_in_admin(both))
    attempt = stuck(world, cco)
    UnlinkAttempt.objects.filter(pk=attempt.pk).update(state="NO_ANSWER", ended_at=attempt.expires_at)
    attempt.pk, attempt.via, attempt.state = None, Via.ADMIN, AttemptState.CHECKING
    with pytest.raises(IntegrityError, match="attempt_never_in_the_admin"), transaction.atomic():
        attempt.save(force_insert=True)

    assert world.before(cco) == before
    assert CommitmentChangeOrder.objects.get(pk=cco.pk).erp_status == ErpStatus.SYNCED
    names = [name for name in names_of(get_resolver()) if name.startswith("admin:desk-")]
    assert [name for name in names if "unlink" in name] == []
