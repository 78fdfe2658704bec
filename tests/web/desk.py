"""Staff at the support desk, and what waits for them."""

from datetime import timedelta

from django.contrib.auth.models import Group
from django.db import connection, transaction

from commitments.models import CommitmentChangeOrder
from companies.clock import database_now
from companies.mail import queue_mail
from companies.models import OutgoingMail, PrivilegeRequest, User
from companies.operations.change_privilege import request_privilege
from companies.operations.set_up_staff_groups import set_up_staff_groups
from erp_integrations.models import Connection, ReconcileRun, ReconcileState, UnlinkAttempt, Via
from tests import factories
from tests.world import World


def staff(group: str = "", username: str = "desk") -> User:
    """Somebody who may sign in to the admin, in that group; `superuser` is no group."""
    user: User = factories.UserFactory.create(
        username=username, is_staff=True, is_superuser=group == "superuser"
    )
    if group and group != "superuser":
        set_up_staff_groups()
        user.groups.add(Group.objects.get(name=group))
    return user


def asking(world: World, username: str) -> PrivilegeRequest:
    person = world.person(username, can_push_to_accounting=False)
    return request_privilege(
        company_id=world.company.pk,
        membership_id=person.memberships.get().pk,
        reason="I take over the approvals",
        actor=person,
    )


def stuck(world: World, cco: CommitmentChangeOrder, *, over: bool = True) -> UnlinkAttempt:
    """An attempt of the approver's whose lease is over, or will be in a minute."""
    asker = User.objects.filter(username="approver").first() or world.person()
    now = database_now()
    return UnlinkAttempt.objects.create(
        link=world.link_of(cco),
        started_at=now - timedelta(minutes=2),
        expires_at=now + timedelta(minutes=-1 if over else 1),
        actor_id=asker.pk,
        actor_name=asker.name,
        via=Via.PAGE,
        connection_revision=world.connection.revision,
    )


def not_believed(world: World) -> None:
    now = database_now()
    ReconcileRun.objects.create(
        connection=world.connection,
        state=ReconcileState.IMPLAUSIBLE,
        started_at=now,
        expires_at=now + timedelta(minutes=2),
        ended_at=now,
        actor_name="Plumbline",
        via=Via.QUEUE,
        connection_revision=1,
        fault_code="implausible",
        fault_words="The company database holds no change orders at all.",
    )


def something_of_everything(world: World) -> None:
    """One of each kind waits for support, and a little more each time this is called."""
    number = PrivilegeRequest.objects.count()
    request = asking(world, f"asks-{number}")
    stuck(world, world.synced_cco(("present", "plain-01", "plain-02", "plain-03")[number]))
    Connection.objects.update(failures_in_a_row=2)
    not_believed(world)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (task_name, queue_name, status, attempts)"
            " VALUES ('companies.tasks.send_mail', 'default', 'failed', 5)"
        )
    with transaction.atomic():
        queue_mail(to=request.membership.user, subject="Decided", body="Words", about="a test")
    OutgoingMail.objects.filter(subject="Decided").update(next_try_at=None, failure="It is away.")
