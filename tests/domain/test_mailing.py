"""What ERP Integrations tells people by mail: whom, when, and how often."""

from datetime import UTC, datetime

import pytest
from django.db import transaction
from pytest_django import DjangoAssertNumQueries

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.models import Level, Membership, OutgoingMail, User
from erp_integrations.workflow.notifications import mail_failure, mail_rejection, queue_daily_summaries
from tests import factories
from tests.concurrency.crowd import all_at_once
from tests.world import World

# 6 in the morning of TIME_ZONE (America/New_York), and an hour before.
MORNING = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 24, 10, 59, tzinfo=UTC)
NEXT_MORNING = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
PAGES = "http://127.0.0.1:8000/companies/harbor-point"


@pytest.fixture
def waits(world: World) -> CommitmentChangeOrder:
    return world.free_cco(erp_status=ErpStatus.READY_TO_EXPORT, amount="12400.00")


def told() -> list[str]:
    return list(OutgoingMail.objects.order_by("id").values_list("to_name", flat=True))


# --- the daily summary ---------------------------------------------------------------------------


def test_every_subscribed_approver_is_told_what_waits(world: World, waits: CommitmentChangeOrder) -> None:
    world.person("standard")
    world.person("admin", erp_integrations=Level.ADMIN)
    world.person("read-only", erp_integrations=Level.READ_ONLY)
    world.person("no-privilege", can_push_to_accounting=False)
    world.person("opted-out").memberships.update(subscribed_to_digest=False)
    world.person("left").memberships.update(is_active=False)
    User.objects.filter(pk=world.person("switched-off").pk).update(is_active=False)
    factories.MembershipFactory.create(can_push_to_accounting=True)

    queue_daily_summaries(MORNING)

    assert sorted(told()) == ["admin", "standard"]
    mail = OutgoingMail.objects.earliest("id")
    assert mail.subject == "ERP Integrations Daily Summary: Harbor Point Builders"
    assert f'CCO {waits.number} of {waits.commitment.number} "{waits.title}" (2611 Harbor Tower)' in mail.body
    assert "$12,400.00" in mail.body
    assert f"{PAGES}/erp-integrations/commitment-change-orders/?view=ready-to-export" in mail.body
    assert f"{PAGES}/directory/own/" in mail.body


def test_once_a_day_as_long_as_anything_waits(world: World, waits: CommitmentChangeOrder) -> None:
    world.person()
    for moment in (NIGHT, MORNING, MORNING, MORNING.replace(hour=23), NEXT_MORNING, NEXT_MORNING):
        queue_daily_summaries(moment)
    assert told() == ["approver", "approver"]
    assert {m.about for m in OutgoingMail.objects.all()} == {
        "summary of 2026-11-24",
        "summary of 2026-11-25",
    }

    CommitmentChangeOrder.objects.filter(pk=waits.pk).update(erp_status=ErpStatus.NOT_IN_ERP)
    queue_daily_summaries(datetime(2026, 11, 26, 11, 0, tzinfo=UTC))

    assert len(told()) == 2


def test_two_workers_at_once_tell_once(committed_world: World) -> None:
    committed_world.free_cco(erp_status=ErpStatus.READY_TO_EXPORT)
    for name in ("first", "second", "third"):
        committed_world.person(name)

    outcomes = all_at_once([lambda: queue_daily_summaries(MORNING)] * 3)

    assert outcomes == [None] * 3
    assert sorted(told()) == ["first", "second", "third"]


def test_nothing_that_waits_in_another_company_is_told(world: World, waits: CommitmentChangeOrder) -> None:
    stranger: Membership = factories.MembershipFactory.create(can_push_to_accounting=True)

    queue_daily_summaries(MORNING)

    assert stranger.user.name not in told()


def test_a_title_made_to_break_out_is_only_words(world: World) -> None:
    waits = world.free_cco(erp_status=ErpStatus.NOT_IN_ERP)
    CommitmentChangeOrder.objects.filter(pk=waits.pk).update(title="x\r\nBcc: everybody@example.com")
    CommitmentChangeOrder.objects.filter(pk=waits.pk).update(erp_status=ErpStatus.READY_TO_EXPORT)
    waits.refresh_from_db()
    world.person()

    queue_daily_summaries(MORNING)
    with transaction.atomic():
        mail_failure(
            change_order_id=waits.pk, export_id=1, accepted_by_id=None, failure="It broke\r\nSubject: x"
        )

    assert all("\n" not in mail.subject for mail in OutgoingMail.objects.all())


def test_the_summary_asks_the_same_number_of_queries_for_one_and_for_many(
    world: World, waits: CommitmentChangeOrder, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    world.person()
    for _ in range(5):
        world.free_cco(erp_status=ErpStatus.READY_TO_EXPORT)

    with django_assert_max_num_queries(16):
        queue_daily_summaries(MORNING)
    with django_assert_max_num_queries(3):
        queue_daily_summaries(MORNING)


# --- rejections and failures ---------------------------------------------------------------------


def test_the_sender_reads_why_it_was_rejected(world: World, waits: CommitmentChangeOrder) -> None:
    sender = world.person("project-manager", erp_integrations=Level.NONE, can_push_to_accounting=False)
    world.person("approver")

    with transaction.atomic():
        mail_rejection(
            change_order_id=waits.pk, sender_id=sender.pk, rejected_by="approver", reason="Wrong cost code"
        )

    assert told() == ["project-manager"]
    mail = OutgoingMail.objects.get()
    assert mail.subject.startswith("ERP CCO Rejection Notification")
    assert "Wrong cost code" in mail.body
    assert f"{PAGES}/projects/2611/commitments/change-orders/{waits.pk}/" in mail.body


@pytest.mark.parametrize("gone", ["nobody", "left", "deleted"])
def test_a_sender_who_is_gone_is_told_nothing(world: World, waits: CommitmentChangeOrder, gone: str) -> None:
    sender = world.person("project-manager")
    sender_id = None if gone == "nobody" else sender.pk
    if gone == "left":
        sender.memberships.update(is_active=False)
    if gone == "deleted":
        sender.delete()

    with transaction.atomic():
        mail_rejection(change_order_id=waits.pk, sender_id=sender_id, rejected_by="approver", reason="No")

    assert told() == []


def test_a_failure_is_told_at_once_to_who_accepted_and_to_subscribed_approvers(
    world: World, waits: CommitmentChangeOrder
) -> None:
    accepter = world.person("accepter")
    accepter.memberships.update(subscribed_to_digest=False)
    world.person("other")
    world.person("opted-out").memberships.update(subscribed_to_digest=False)

    with transaction.atomic():
        mail_failure(
            change_order_id=waits.pk, export_id=1, accepted_by_id=accepter.pk, failure="Sage did not answer."
        )

    assert sorted(told()) == ["accepter", "other"]
    assert all("Sage did not answer." in mail.body for mail in OutgoingMail.objects.all())


def test_failures_of_one_export_are_told_once_and_those_of_the_next_again(
    world: World, waits: CommitmentChangeOrder
) -> None:
    accepter = world.person("accepter")
    for export_id, words in ((1, "Sage did not answer."), (1, "Sage is busy."), (2, "It is gone.")):
        with transaction.atomic():
            mail_failure(
                change_order_id=waits.pk, export_id=export_id, accepted_by_id=accepter.pk, failure=words
            )

    bodies = list(OutgoingMail.objects.order_by("id").values_list("body", flat=True))
    assert [("not answer" in body, "is gone" in body) for body in bodies] == [(True, False), (False, True)]


def test_a_mail_of_a_rejection_that_was_rolled_back_does_not_exist(committed_world: World) -> None:
    waits = committed_world.free_cco(erp_status=ErpStatus.READY_TO_EXPORT)
    sender = committed_world.person("project-manager")

    def reject_and_fail() -> None:
        with transaction.atomic():
            mail_rejection(change_order_id=waits.pk, sender_id=sender.pk, rejected_by="x", reason="No")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reject_and_fail()

    assert told() == []
