"""What monitors ask: alive, ready, figures; and who is told what."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from companies.clock import database_now
from companies.mail import queue_mail
from companies.models import Membership, OutgoingMail, PrivilegeRequest
from companies.queue import defer_once
from companies.queue_state import get_queue_state
from config import env, readiness
from erp_integrations.models import Connection, UnlinkAttempt
from erp_integrations.workflow.errors import NoTrustworthyAnswer, StillInErp
from tests import factories
from tests.commands.terminal import ROOT
from tests.domain.test_reconcile_runs import a_run
from tests.domain.test_reconciling import run
from tests.world import World

TOKEN = "t" * 40
FAR_AWAY = {"REMOTE_ADDR": "203.0.113.7"}
BY_PROXY = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}


def ready() -> dict[str, Any]:
    answer = Client().get("/readyz")
    found: dict[str, Any] = answer.json()
    assert answer.status_code == (503 if found["status"] == "not ready" else 200)
    return found


def figures() -> dict[tuple[str, ...], float]:
    """By name and labels' values, in the order of the labels' names."""
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    return {
        (
            sample.name.removeprefix("plumbline_"),
            *(value for _, value in sorted(sample.labels.items())),
        ): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


@pytest.fixture
def a_worker(db: None) -> None:
    heard_of(seconds_ago=5)


def heard_of(*, seconds_ago: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => %s))",
            [seconds_ago],
        )


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("connection to server at 10.9.8.7 failed: secret words")

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", refuse)
    monkeypatch.setattr(BaseDatabaseWrapper, "cursor", refuse)
    yield
    monkeypatch.undo()


# --- alive ---------------------------------------------------------------------------------------


def test_alive_asks_nobody_not_even_the_database(no_database: None) -> None:
    answer = Client().get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"alive\n")
    assert "no-store" in answer["Cache-Control"]


# --- ready ---------------------------------------------------------------------------------------


def test_a_server_with_all_it_needs_is_ready(a_worker: None, world: World) -> None:
    assert ready()["status"] == "ready"
    assert ready()["reasons"] == ready()["troubles"] == []


def test_without_a_database_the_server_is_not_ready_and_tells_no_driver_s_words(no_database: None) -> None:
    for accept in ("application/json", "text/plain"):
        answer = Client().get("/readyz", headers={"Accept": accept})

        assert answer.status_code == 503
        assert b"The database does not answer as it should (OperationalError)." in answer.content
        for secret in (b"10.9.8.7", b"secret words"):
            assert secret not in answer.content


def test_a_database_that_hangs_is_not_waited_for(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "LONGEST_ANSWER_MS", 50)
    monkeypatch.setattr(
        readiness, "get_queue_state", lambda: connection.cursor().execute("SELECT pg_sleep(60)")
    )

    [reason] = ready()["reasons"]

    assert "does not answer as it should" in reason


def test_an_older_schema_is_not_ready_and_says_how_many_and_what_to_type(transactional_db: None) -> None:
    newest = (ROOT / "erp_integrations" / "migrations" / "max_migration.txt").read_text().strip()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'erp_integrations' AND name = %s", [newest])
    try:
        assert ready()["reasons"] == ["Migrations that are not applied: 1 (manage.py migrate)."]
        assert figures()["migrations_unapplied",] == 1
    finally:
        call_command("migrate", "erp_integrations", fake=True, verbosity=0)
    assert ready()["reasons"] == []


def test_an_empty_database_is_not_ready_and_nothing_else_is_asked(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_migrations RENAME TO away")
        cursor.execute("ALTER TABLE procrastinate_jobs RENAME TO also_away")

    assert "Migrations that are not applied" in ready()["reasons"][0]


def test_without_the_table_of_the_cache_nobody_could_sign_in(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_cache RENAME TO away")

    [reason] = ready()["reasons"]

    assert "manage.py createcachetable" in reason


# --- degraded ------------------------------------------------------------------------------------


def test_without_a_worker_the_server_serves_and_says_so(db: None) -> None:
    heard_of(seconds_ago=31)

    found = ready()

    assert found["status"] == "degraded"
    assert found["troubles"] == ["No worker is running (manage.py procrastinate worker)."]
    assert (found["queue"]["workers"], figures()["workers",]) == (0, 0)


def put_into_the_queue(count: int, *, minutes_ago: int = 0, status: str = "todo") -> None:
    for number in range(count):
        defer_once("companies.tasks.send_mail", lock=f"{status}-{number}", mail_id=number)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_events SET at = now() - make_interval(mins => %s)", [minutes_ago]
        )
        cursor.execute(f"UPDATE procrastinate_jobs SET status = '{status}'")


def test_a_job_that_waits_too_long_is_told_with_its_age(a_worker: None) -> None:
    put_into_the_queue(3, minutes_ago=7)

    found = ready()

    assert found["status"] == "degraded"
    assert found["troubles"] == ["A job waits for 420 seconds; 3 wait in all."]
    assert found["queue"]["waiting"] == figures()["jobs", "waiting"] == 3
    assert 420 <= figures()["job_oldest_waiting_seconds",] < 480


def test_a_job_that_was_put_back_waits_from_then_and_one_for_later_does_not_wait(a_worker: None) -> None:
    put_into_the_queue(2, minutes_ago=60)
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM procrastinate_jobs")
        put_back, later = cursor.fetchone()
        cursor.execute(
            "INSERT INTO procrastinate_events (job_id, type, at)"
            " VALUES (%s, 'deferred_for_retry', now() - interval '1 minute')",
            [put_back],
        )
        cursor.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour' WHERE id = %s", [later]
        )

    state = get_queue_state()

    assert state.waiting == 1
    assert 60 <= state.oldest_waiting_seconds < 120
    assert ready()["status"] == "ready"


def test_jobs_that_failed_for_good_are_told(a_worker: None) -> None:
    put_into_the_queue(2, status="failed")

    assert ready()["troubles"] == ["Jobs that failed for good: 2."]
    assert figures()["jobs", "failed"] == 2


def test_a_sage_in_trouble_makes_no_server_unready(a_worker: None, world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.sage.set_fault("offline")
    for _ in range(2):
        with pytest.raises(NoTrustworthyAnswer):
            world.unlink(cco, by=approver)

    found = ready()

    assert found["status"] == "degraded"
    [trouble] = found["troubles"]
    here = f"Connection {world.connection.pk} of company {world.company.pk}"
    assert trouble == f"{here}: it could not be asked, 2 times in a row."
    [one] = found["connections"]
    assert (one["connection_id"], one["failures_in_a_row"]) == (world.connection.pk, 2)
    assert one["last_failure_at"] > one["last_success_at"]
    labels = (str(world.company.pk), str(world.connection.pk), world.connection.kind)
    stored = world.fresh_connection()
    assert stored.last_success_at
    assert stored.last_failure_at
    told = figures()
    assert told["connection_failures_in_a_row", *labels] == 2
    assert told["connection_last_success_timestamp_seconds", *labels] == pytest.approx(
        stored.last_success_at.timestamp()
    )
    assert told["connection_last_failure_timestamp_seconds", *labels] == pytest.approx(
        stored.last_failure_at.timestamp()
    )


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            {"accepted_incarnation": "", "accepted_at": None, "accepted_by_name": ""},
            "it is unchecked: no database was accepted yet",
        ),
        (
            {"seen_incarnation": "another"},
            "another database answers, and waits for an ERP admin to accept it",
        ),
    ],
)
def test_a_connection_that_gives_no_verdicts_is_told(
    a_worker: None, world: World, columns: dict[str, Any], words: str
) -> None:
    Connection.objects.update(last_success_at=None, last_failure_at=None, **columns)

    found = ready()

    assert [one["trouble"] for one in found["connections"]] == [words]
    told = figures()
    labels = (str(world.company.pk), str(world.connection.pk), world.connection.kind)
    assert told["connection_accepted", *labels] == 0
    assert ("connection_last_success_timestamp_seconds", *labels) not in told, "no time, not the year 1970"


def test_a_comparison_that_was_not_believed_is_told_until_one_is(a_worker: None, world: World) -> None:
    world.synced_cco()
    labels = (str(world.company.pk), str(world.connection.pk), world.connection.kind)
    never = figures()
    for record in world.sage.change_orders():
        if not record.deleted:
            world.sage.delete(record.record_number, user="ACCT2")

    run(world)
    refused, told = ready(), figures()
    Connection.objects.update(most_missing_percent=100)
    complete = run(world)
    holding = a_run(world)
    believed, told_then = ready(), figures()

    assert never["connection_run_refused", *labels] == 0
    assert never["connection_run_interval_seconds", *labels] == 20
    assert ("connection_last_complete_run_timestamp_seconds", *labels) not in never
    assert refused["status"] == "degraded"
    assert "its last comparison was not believed" in refused["troubles"][0]
    assert told["connection_run_refused", *labels] == 1
    assert (believed["status"], told_then["connection_run_refused", *labels]) == ("ready", 0)
    assert told_then["connection_last_complete_run_timestamp_seconds", *labels] == pytest.approx(
        complete.started_at.timestamp()
    )
    assert told_then["connection_running_since_timestamp_seconds", *labels] == pytest.approx(
        holding.started_at.timestamp()
    )
    assert (
        "last complete run 20" in Client().get("/readyz", headers={"Accept": "text/plain"}).content.decode()
    )


# --- figures -------------------------------------------------------------------------------------


def test_the_answers_of_the_last_hour_are_counted_by_outcome(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    with pytest.raises(StillInErp):
        world.unlink(cco, by=approver)
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)

    told = figures()

    company = str(world.company.pk)
    assert told["unlink_answers_last_hour", company, "still-in-erp"] == 1
    assert told["unlink_answers_last_hour", company, "unlinked"] == 1
    assert told["unlink_answers_last_hour", company, "no-answer"] == 0
    assert told["attempts_stuck",] == 0


def test_what_waits_is_counted(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    now = database_now()
    UnlinkAttempt.objects.create(
        link=world.link_of(cco),
        started_at=now - timedelta(minutes=2),
        expires_at=now - timedelta(minutes=1),
        actor_id=approver.pk,
        actor_name=approver.name,
        via="PAGE",
        connection_revision=1,
    )
    with transaction.atomic():
        for _ in range(3):
            queue_mail(to=approver, subject="One", body="Words", about="a test")
    OutgoingMail.objects.filter(pk=OutgoingMail.objects.latest("id").pk).update(attempts=4)
    PrivilegeRequest.objects.create(
        membership=Membership.objects.get(user=approver),
        asked_at=now,
        asked_by_id=1,
        asked_by_name="Somebody",
        reason="It is needed",
    )

    told = figures()

    assert told["attempts_stuck",] == 1
    assert (told["mails", "waiting"], told["mails", "failing"]) == (2, 1)
    assert told["privilege_requests_waiting",] == 1


def test_the_figures_need_the_database_and_say_so(no_database: None) -> None:
    answer = Client().get("/metrics")

    assert answer.status_code == 503
    assert answer.content == b"The database does not answer as it should (OperationalError).\n"


def test_monitors_cost_the_same_number_of_queries_for_one_company_and_for_many(
    world: World, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    def asked(address: str) -> int:
        with django_assert_max_num_queries(20) as queries:
            assert Client().get(address).status_code == 200
        return len(queries)

    before = asked("/readyz"), asked("/metrics")
    for number in range(20):
        Connection.objects.create(
            company=factories.CompanyFactory.create(slug=f"company-{number}"),
            kind=world.connection.kind,
            database="Books",
            sandbox_path="/nowhere",
        )
    put_into_the_queue(20)

    assert (asked("/readyz"), asked("/metrics")) == before


# --- who is told ---------------------------------------------------------------------------------


def test_strangers_learn_whether_it_is_ready_and_nothing_of_companies(world: World) -> None:
    for stranger in ({"headers": BY_PROXY}, FAR_AWAY, {"REMOTE_ADDR": ""}, {"REMOTE_ADDR": "unix:"}):
        told = Client().get("/readyz", **stranger)
        assert json.loads(told.content) == {"status": "degraded", "reasons": []}
        plain = Client().get("/readyz", headers={"Accept": "text/plain", **BY_PROXY})
        assert plain.content == b"degraded\n"
        answer = Client().get("/metrics", **stranger)
        assert answer.status_code == 403
        assert b"METRICS_ALLOW" in answer.content
        assert b"plumbline_" not in answer.content


@pytest.mark.parametrize(
    ("allowed", "address", "status"),
    [
        (["10.1.0.0/16"], "10.1.2.3", 200),
        (["10.1.0.0/16"], "::ffff:10.1.2.3", 200),
        (["10.1.0.0/16"], "10.2.0.1", 403),
        (["10.1.0.0/16"], "127.0.0.1", 403),
        (["2001:db8::/32"], "2001:db8::5", 200),
        ([], "127.0.0.1", 403),
    ],
)
def test_the_figures_are_told_to_the_addresses_that_are_allowed(
    db: None,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    allowed: list[str],
    address: str,
    status: int,
) -> None:
    monkeypatch.setenv("NAME", ",".join(allowed) or "none")
    settings.METRICS_ALLOW = env.networks("NAME", ["127.0.0.1"])

    assert Client().get("/metrics", REMOTE_ADDR=address).status_code == status


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Via", "X-Real-IP"])
def test_a_proxy_on_the_same_machine_does_not_lend_its_address(db: None, header: str) -> None:
    assert Client().get("/metrics", headers={header: "127.0.0.1"}).status_code == 403


@pytest.mark.parametrize(
    ("brought", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN} ", 200),
        (f"Bearer {TOKEN[:-1]}", 403),
        (f"Bearer {TOKEN}é", 403),
        ("Bearer ", 403),
        (f"Basic {TOKEN}", 403),
        (TOKEN, 403),
    ],
)
def test_the_token_lets_in_from_wherever(db: None, settings: Settings, brought: str, status: int) -> None:
    settings.METRICS_TOKEN = env.Secret(TOKEN)
    headers = {"Authorization": brought, **BY_PROXY}

    assert Client().get("/metrics", headers=headers).status_code == status
    assert ("queue" in Client().get("/readyz", headers=headers).json()) == (status == 200)


def test_without_a_token_in_the_settings_none_lets_in(db: None) -> None:
    for brought in ("Bearer", "Bearer None", "Bearer "):
        answer = Client().get("/metrics", headers={"Authorization": brought, **BY_PROXY})
        assert answer.status_code == 403


def test_monitors_are_not_sent_to_tls_and_people_are(db: None, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True

    for address in ("/healthz", "/readyz", "/metrics"):
        assert Client().get(address).status_code == 200
    assert Client().get("/sign-in/").status_code == 301


def test_the_figures_know_no_names(world: World) -> None:
    world.synced_cco()

    answers = [Client().get(address).content.decode() for address in ("/readyz", "/metrics")]

    for name in (world.company.slug, world.company.name, str(world.place), world.books.name):
        assert not [answer for answer in answers if name in answer]
