"""A stated deletion counts once a second ERP admin has confirmed it, for seven days, until one is seen."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from commitments.models import CommitmentChangeOrder
from companies.clock import database_now
from companies.errors import ReasonMissing
from companies.models import Level, Membership, OutgoingMail, User
from erp_integrations.deletions.confirm_deletion import (
    MOST_RECORDS,
    NO_SECOND_ADMIN,
    confirm_deletion,
    confirm_told_deletions,
    end_seen_deletions,
    find_confirmations,
    state_deletion,
    tell_administrators,
    withdraw_deletion,
)
from erp_integrations.ledger.actors import actor_in_admin
from erp_integrations.links import record_findings, settle_attempts, unlink
from erp_integrations.models import (
    ChangeOrderLink,
    ConfirmedDeletion,
    Connection,
    DeletionEnd,
    EventKind,
    LinkEvent,
    PresenceKey,
)
from erp_integrations.ports import Evidence, Finding, HeaderSeen, Verdict
from erp_integrations.workflow.errors import (
    DatabaseNotAccepted,
    NotAllowed,
    NotLinkedRecords,
    OwnStatement,
    RecordSeen,
    StatementOver,
    TooManyRecords,
)
from tests.invariants import broken_by_kind
from tests.sendable import actor
from tests.world import LINKER, World

DAY = timedelta(days=1)
SEEN = {"present", "not-effective", "renumbered"}


class Stated:
    """Two CCOs that no look finds, and the ERP admins of their company."""

    def __init__(self, world: World, *, admins: int = 2) -> None:
        self.world = world
        self.ccos: list[CommitmentChangeOrder] = [world.synced_cco("present"), world.synced_cco("plain-02")]
        self.first = world.erp_admin()
        self.second = world.person("second-admin", erp_integrations=Level.ADMIN) if admins > 1 else None
        self.not_found()

    @property
    def links(self) -> list[ChangeOrderLink]:
        return [self.world.link_of(cco) for cco in self.ccos]

    def not_found(self) -> None:
        ChangeOrderLink.objects.filter(change_order__in=self.ccos).update(presence=PresenceKey.JOB_MISSING)

    def state(self, *, by: User | None = None, **changed: Any) -> ConfirmedDeletion:
        values: dict[str, Any] = {
            "company_id": self.world.company.pk,
            "record_numbers": ["702", "703"],
            "reason": "Entered for the wrong company, deleted with its job",
            "actor": actor(by or self.first),
        }
        deletion = state_deletion(**values | changed)
        tell_administrators(deletion.pk)  # as the queue does
        return deletion

    def confirm(self, deletion: ConfirmedDeletion, *, by: User | None = None) -> ConfirmedDeletion:
        who = by or self.second
        assert who is not None
        return confirm_deletion(company_id=self.world.company.pk, deletion_id=deletion.pk, actor=actor(who))

    def withdraw(self, deletion: ConfirmedDeletion, *, by: User) -> ConfirmedDeletion:
        return withdraw_deletion(company_id=self.world.company.pk, deletion_id=deletion.pk, actor=actor(by))

    def counting(self, *, at: datetime | None = None) -> set[str]:
        """Record numbers whose deletion counts."""
        links = self.links
        found = find_confirmations(
            self.world.fresh_connection(), [link.row_id for link in links], at or database_now()
        )
        return {link.record_number for link in links if link.row_id in found}

    def see(self, presence: str = "present") -> None:
        """A look finds the first record."""
        link = self.links[0]
        now = database_now()
        connection = self.world.fresh_connection()
        finding = Finding(
            Verdict(presence),
            "header-found",
            Evidence(
                header=HeaderSeen("702", "1", "2611", "", "Approved") if presence in SEEN else None,
            ),
            incarnation=connection.accepted_incarnation,
            first_looked_at=now,
        )
        record_findings.record_findings(
            {link.pk: finding},
            connection_id=connection.pk,
            connection_revision=connection.revision,
            actor=LINKER,
            now=now,
        )


@pytest.fixture
def stated(world: World) -> Stated:
    return Stated(world)


# --- two people ----------------------------------------------------------------------------------


def test_it_counts_once_a_second_erp_admin_has_confirmed_it(stated: Stated) -> None:
    deletion = stated.state()
    assert stated.counting() == set()

    confirmed = stated.confirm(deletion)

    assert stated.counting() == {"702", "703"}
    assert confirmed.confirmed_at is not None
    assert confirmed.ends_at == confirmed.confirmed_at + 7 * DAY
    told = stated.world.events(kind=EventKind.DELETION_STATED) + stated.world.events(
        kind=EventKind.DELETION_CONFIRMED
    )
    assert [event.actor_name for event in told] == [stated.first.name, "second-admin"]
    assert told[0].reason == "Entered for the wrong company, deleted with its job"
    assert told[1].evidence["stated_by"] == stated.first.name
    assert [one["record_number"] for one in told[1].evidence["records"]] == ["702", "703"]
    assert told[1].rights == "Admin on ERP Integrations"
    assert broken_by_kind()["wrong unlinks"] == []


def test_whoever_states_it_cannot_confirm_it(stated: Stated) -> None:
    deletion = stated.state()

    with pytest.raises(OwnStatement):
        stated.confirm(deletion, by=stated.first)

    assert stated.counting() == set()
    assert stated.world.events(kind=EventKind.DELETION_CONFIRMED) == []


def test_it_counts_for_the_named_records_only(stated: Stated) -> None:
    stated.confirm(stated.state(record_numbers=["703"]))

    assert stated.counting() == {"703"}


def test_it_counts_for_seven_days(stated: Stated) -> None:
    confirmed = stated.confirm(stated.state())
    assert confirmed.ends_at is not None

    assert stated.counting(at=confirmed.ends_at - timedelta(seconds=1)) == {"702", "703"}
    assert stated.counting(at=confirmed.ends_at) == set()


def test_it_counts_for_the_accepted_database_only(stated: Stated) -> None:
    stated.confirm(stated.state())
    Connection.objects.update(accepted_incarnation="another database")

    assert stated.counting() == set()


def test_a_statement_about_another_database_is_not_confirmed(stated: Stated) -> None:
    deletion = stated.state()
    Connection.objects.update(accepted_incarnation="another database")

    with pytest.raises(DatabaseNotAccepted):
        stated.confirm(deletion)

    assert ConfirmedDeletion.objects.get().confirmed_at is None


@pytest.mark.parametrize("level", [Level.NONE, Level.READ_ONLY, Level.STANDARD])
def test_only_erp_admins_state_confirm_and_withdraw(stated: Stated, level: Level) -> None:
    somebody = stated.world.person("somebody", erp_integrations=level, directory=Level.ADMIN)
    deletion = stated.state()

    with pytest.raises(NotAllowed):
        stated.state(by=somebody)
    with pytest.raises(NotAllowed):
        stated.confirm(deletion, by=somebody)
    with pytest.raises(NotAllowed):
        stated.withdraw(deletion, by=somebody)

    assert ConfirmedDeletion.objects.get().confirmed_at is None
    assert stated.counting() == set()


def test_staff_in_the_admin_state_and_confirm_nothing(stated: Stated) -> None:
    User.objects.update(is_staff=True, is_superuser=True)
    staff = actor_in_admin(User.objects.get(username="second-admin"))
    deletion = stated.state()

    with pytest.raises(NotAllowed):
        stated.state(actor=staff)
    with pytest.raises(NotAllowed):
        confirm_deletion(company_id=stated.world.company.pk, deletion_id=deletion.pk, actor=staff)

    assert (ConfirmedDeletion.objects.count(), stated.counting()) == (1, set())


def test_an_admin_who_lost_the_right_confirms_nothing(stated: Stated) -> None:
    deletion = stated.state()
    Membership.objects.filter(user__username="second-admin").update(is_active=False)

    with pytest.raises(NotAllowed):
        stated.confirm(deletion)

    assert stated.counting() == set()


# --- what may be stated --------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["", " \n"])
def test_it_needs_a_reason(stated: Stated, reason: str) -> None:
    with pytest.raises(ReasonMissing):
        stated.state(reason=reason)

    assert not ConfirmedDeletion.objects.exists()


@pytest.mark.parametrize("numbers", [["702", "999"], [], ["706"]], ids=["unknown", "none", "not linked"])
def test_only_records_of_active_links_are_named(stated: Stated, numbers: list[str]) -> None:
    with pytest.raises(NotLinkedRecords):
        stated.state(record_numbers=numbers)

    assert not ConfirmedDeletion.objects.exists()


def test_at_most_fifty_records_are_named_at_once(stated: Stated) -> None:
    with pytest.raises(TooManyRecords):
        stated.state(record_numbers=[str(number) for number in range(MOST_RECORDS + 1)])

    assert not ConfirmedDeletion.objects.exists()


@pytest.mark.parametrize(
    "presence",
    [PresenceKey.PRESENT, PresenceKey.NOT_EFFECTIVE, PresenceKey.RENUMBERED, PresenceKey.UNCHECKED],
)
def test_a_record_that_the_last_look_saw_is_not_stated_to_be_deleted(
    stated: Stated, presence: PresenceKey
) -> None:
    ChangeOrderLink.objects.filter(pk=stated.links[1].pk).update(presence=presence)

    with pytest.raises(RecordSeen):
        stated.state()

    assert not ConfirmedDeletion.objects.exists()


def test_another_companys_records_are_not_named(stated: Stated, world: World) -> None:
    with pytest.raises((NotAllowed, NotLinkedRecords)):
        stated.state(company_id=world.company.pk + 1)

    assert not ConfirmedDeletion.objects.exists()


# --- the end -------------------------------------------------------------------------------------


@pytest.mark.parametrize("presence", ["present", "not-effective", "renumbered"])
@pytest.mark.parametrize("confirmed", [True, False])
def test_it_ends_for_all_its_records_when_one_is_seen_again(
    stated: Stated, presence: str, *, confirmed: bool
) -> None:
    deletion = stated.state()
    if confirmed:
        stated.confirm(deletion)

    stated.see(presence)

    deletion.refresh_from_db()
    assert (deletion.ended_why, stated.counting()) == (DeletionEnd.SEEN, set())
    [event] = stated.world.events(kind=EventKind.DELETION_ENDED)
    assert event.reason == "record 702 is in Sage"
    assert broken_by_kind()["wrong unlinks"] == []


def test_a_record_that_is_still_there_ends_it_although_nothing_changed(stated: Stated) -> None:
    deletion = stated.state()
    ChangeOrderLink.objects.update(presence=PresenceKey.PRESENT)

    stated.see()

    deletion.refresh_from_db()
    assert deletion.ended_why == DeletionEnd.SEEN


@pytest.mark.parametrize("presence", ["absent", "job-missing", "ambiguous"])
def test_a_look_that_does_not_see_it_ends_nothing(stated: Stated, presence: str) -> None:
    stated.confirm(stated.state())

    stated.see(presence)

    assert stated.counting() == {"702", "703"}


def test_a_click_that_sees_the_record_ends_it(stated: Stated) -> None:
    approver = stated.world.person()
    stated.confirm(stated.state())

    with pytest.raises(Exception, match="present"):
        stated.world.unlink(stated.ccos[0], by=approver)

    assert stated.counting() == set()


def test_linking_the_record_to_another_cco_ends_it(stated: Stated) -> None:
    stated.confirm(stated.state())
    connection = stated.world.fresh_connection()

    end_seen_deletions(connection, [stated.links[0].row_id], database_now())
    end_seen_deletions(connection, [stated.links[0].row_id], database_now())

    assert len(stated.world.events(kind=EventKind.DELETION_ENDED)) == 1


@pytest.mark.parametrize("confirmed", [True, False])
def test_either_admin_withdraws_it(stated: Stated, *, confirmed: bool) -> None:
    deletion = stated.state()
    if confirmed:
        stated.confirm(deletion)
    assert stated.second is not None

    stated.withdraw(deletion, by=stated.first if confirmed else stated.second)

    assert stated.counting() == set()
    assert len(stated.world.events(kind=EventKind.DELETION_WITHDRAWN)) == 1
    with pytest.raises(StatementOver):
        stated.withdraw(deletion, by=stated.first)
    with pytest.raises(StatementOver):
        stated.confirm(deletion)


def test_it_is_confirmed_once(stated: Stated) -> None:
    deletion = stated.state()
    stated.confirm(deletion)

    with pytest.raises(StatementOver):
        stated.confirm(deletion)

    assert len(stated.world.events(kind=EventKind.DELETION_CONFIRMED)) == 1


# --- where there is one ERP admin ----------------------------------------------------------------


def mails() -> list[str]:
    return sorted(OutgoingMail.objects.values_list("to_name", flat=True))


def all_sent(at: datetime) -> None:
    OutgoingMail.objects.update(sent_at=at, next_try_at=None)


def test_who_was_told_once_is_not_told_again(stated: Stated) -> None:
    deletion = stated.state()

    tell_administrators(deletion.pk)
    confirm_told_deletions(database_now())

    assert mails() == ["erp-admin", "second-admin"]


def test_every_administrator_is_told_by_mail(stated: Stated) -> None:
    stated.world.person("company-admin", directory=Level.ADMIN, erp_integrations=Level.NONE)
    stated.world.person("standard")

    stated.state()

    assert mails() == ["company-admin", "erp-admin", "second-admin"]
    mail = OutgoingMail.objects.earliest("id")
    assert "record 702: CCO" in mail.body
    assert "/erp-integrations/connection/#deletions" in mail.body


def test_the_only_erp_admins_statement_counts_24_hours_after_everybody_was_told(world: World) -> None:
    stated = Stated(world, admins=1)
    world.person("company-admin", directory=Level.ADMIN, erp_integrations=Level.NONE)
    deletion = stated.state()
    sent = database_now()
    all_sent(sent)

    confirm_told_deletions(sent + DAY - timedelta(seconds=1))
    assert ConfirmedDeletion.objects.get().confirmed_at is None
    confirm_told_deletions(sent + DAY)

    deletion.refresh_from_db()
    assert (deletion.confirmed_by_id, deletion.confirmed_by_name) == (None, NO_SECOND_ADMIN)
    assert (deletion.told_at, deletion.confirmed_at) == (sent, sent + DAY)
    assert stated.counting(at=sent + DAY) == {"702", "703"}
    [event] = world.events(kind=EventKind.DELETION_CONFIRMED)
    assert (event.actor_name, event.rights) == ("Plumbline", "Plumbline by itself")
    assert broken_by_kind()["wrong unlinks"] == []


def test_a_mail_that_was_not_sent_lets_it_count_for_nothing(world: World) -> None:
    stated = Stated(world, admins=1)
    company_admin = world.person("company-admin", directory=Level.ADMIN, erp_integrations=Level.NONE)
    User.objects.filter(pk=company_admin.pk).update(email="")
    stated.state()
    OutgoingMail.objects.exclude(to="").update(sent_at=database_now(), next_try_at=None)

    confirm_told_deletions(database_now() + 10 * DAY)

    assert ConfirmedDeletion.objects.get().confirmed_at is None


def test_who_became_an_administrator_meanwhile_is_told_first(world: World) -> None:
    stated = Stated(world, admins=1)
    stated.state()
    all_sent(database_now())
    world.person("company-admin", directory=Level.ADMIN, erp_integrations=Level.NONE)

    confirm_told_deletions(database_now() + 2 * DAY)

    assert mails() == ["company-admin", "erp-admin"]
    assert ConfirmedDeletion.objects.get().confirmed_at is None


@pytest.mark.parametrize("who", ["a second ERP admin", "another only one"])
def test_where_there_is_another_erp_admin_the_mail_does_not_count(world: World, who: str) -> None:
    stated = Stated(world, admins=1)
    stated.state()
    world.person("second-admin", erp_integrations=Level.ADMIN)
    if who == "another only one":
        Membership.objects.filter(user=stated.first).update(is_active=False)
    confirm_told_deletions(database_now())
    all_sent(database_now())

    confirm_told_deletions(database_now() + 2 * DAY)

    assert ConfirmedDeletion.objects.get().confirmed_at is None


def test_a_withdrawn_statement_is_not_confirmed_by_itself(world: World) -> None:
    stated = Stated(world, admins=1)
    deletion = stated.state()
    all_sent(database_now())
    stated.withdraw(deletion, by=stated.first)

    confirm_told_deletions(database_now() + 2 * DAY)

    assert (stated.counting(), world.events(kind=EventKind.DELETION_CONFIRMED)) == (set(), [])


# --- the unlink that needed it -------------------------------------------------------------------


def test_the_event_and_the_message_of_an_unlink_name_both_people(
    stated: Stated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look that says so is the adapter's; here it is told to have needed the confirmation."""
    world, cco = stated.world, stated.ccos[0]
    approver = world.person()
    world.delete_in_sage(cco)
    stated.confirm(stated.state())
    ask = unlink._ask

    def confirmed(batch: settle_attempts.UnlinkBatch) -> tuple[Finding, ...]:
        return tuple(
            replace(one, evidence=replace(one.evidence, deletion_confirmed=True)) for one in ask(batch)
        )

    monkeypatch.setattr(unlink, "_ask", confirmed)
    unlinked = world.unlink(cco, by=approver)

    event = LinkEvent.objects.get(kind=EventKind.UNLINKED)
    assert event.evidence["confirmed_deletion"]["stated_by"] == stated.first.name
    assert event.evidence["confirmed_deletion"]["confirmed_by"] == "second-admin"
    details = unlinked.message(erp="Sage 100 Contractor®").details
    assert any(stated.first.name in one and "confirmed by second-admin" in one for one in details)
