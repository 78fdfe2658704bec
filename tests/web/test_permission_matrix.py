"""Every address of ours x everybody of the demo x GET and POST: who gets what.

An address that is missing here fails the test, and so does a refusal that changed anything or asked Sage.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client, override_settings
from django.urls import URLResolver, get_resolver, reverse
from pytest_django import DjangoDbBlocker

from commitments.models import CommitmentChangeOrder
from companies.demo_people import DEMO_PEOPLE
from companies.models import Company, Membership, User
from erp_integrations.bulk_unlink.operations import start_bulk_unlink
from erp_integrations.ledger.actors import Actor
from erp_integrations.models import BulkUnlink, LinkEvent, Via
from erp_integrations.sandbox.demo import load_demo
from sage_adapter.sandbox import connection as practice_connection
from tests.invariants import fingerprint

ANONYMOUS = "anonymous"
EVERYBODY = (ANONYMOUS, *(person.username for person in DEMO_PEOPLE))
TO_SIGN_IN, DONE, PAGE, NOT_ALLOWED, NOT_YOURS, WRONG_METHOD, STILL_THERE = 302, 302, 200, 403, 404, 405, 409
SEE_OTHER, INCOMPLETE = 303, 422

STRANGERS = {ANONYMOUS: TO_SIGN_IN, "outsider": NOT_YOURS, "support": NOT_YOURS}

SEES_ERP = ("approver", "erp-admin", "no-privilege", "commitments-standard", "erp-read-only")
WORKS_IN_ERP = ("approver", "erp-admin", "no-privilege", "commitments-standard")
APPROVES = ("approver", "erp-admin", "commitments-standard")
SEES_COMMITMENTS = (*SEES_ERP, "project-manager")
CHANGES_COMMITMENTS = ("approver", "erp-admin", "no-privilege", "erp-read-only", "project-manager")


def only(*people: str, answer: int = PAGE) -> dict[str, int]:
    """These people get the answer, the rest of the company is not allowed, strangers are strangers."""
    return {name: answer if name in people else NOT_ALLOWED for name in EVERYBODY} | STRANGERS


def members(answer: int) -> dict[str, int]:
    """Everybody of the company gets the same answer."""
    return dict.fromkeys(EVERYBODY, answer) | STRANGERS


def public(answer: int) -> dict[str, int]:
    """Whoever asks gets the same answer, without signing in."""
    return dict.fromkeys(EVERYBODY, answer)


def signed_in(answer: int) -> dict[str, int]:
    return dict.fromkeys(EVERYBODY, answer) | {ANONYMOUS: TO_SIGN_IN}


@dataclass(frozen=True, slots=True)
class Address:
    """What each person gets there. `data` is what is posted."""

    arguments: tuple[str, ...]
    get: dict[str, int]
    post: dict[str, int]
    data: dict[str, str] = field(default_factory=dict)


COMPANY, RECORD, CCO, PROJECT, ENTRY = "{company}", "{record}", "{cco}", "{project}", "{entry}"
WAITS, FAILED, BULK, EVENT = "{waits}", "{failed}", "{bulk}", "{event}"
PROJECT_ID, COMMITMENT, VENDOR_ID = "{project_id}", "{commitment}", "{vendor_id}"

NEW_CHANGE_ORDER = {
    "dated": "2026-03-09",
    "job_record_number": "2611",
    "phase": "1",
    "lines-TOTAL_FORMS": "0",
    "lines-INITIAL_FORMS": "0",
}

PUBLIC = ("healthz", "readyz", "metrics")

MATRIX: dict[str, Address] = {
    "company-picker": Address((), signed_in(DONE) | {"support": PAGE}, signed_in(WRONG_METHOD)),
    "how-to-unlink": Address((), signed_in(PAGE), signed_in(WRONG_METHOD)),
    "what-each-error-means": Address((), signed_in(PAGE), signed_in(WRONG_METHOD)),
    "company-home": Address((COMPANY,), members(PAGE), members(WRONG_METHOD)),
    "erp-integrations": Address((COMPANY,), members(DONE), members(WRONG_METHOD)),
    "change-orders": Address((COMPANY,), only(*SEES_ERP), members(WRONG_METHOD)),
    "change-orders-csv": Address((COMPANY,), only(*SEES_ERP), members(WRONG_METHOD)),
    "change-order-history": Address((COMPANY, CCO), only(*SEES_ERP), members(WRONG_METHOD)),
    "unlink": Address(
        (COMPANY, CCO), members(WRONG_METHOD), only("approver", "erp-admin", answer=STILL_THERE)
    ),
    "check": Address((COMPANY, CCO), members(WRONG_METHOD), only(*WORKS_IN_ERP, answer=SEE_OTHER)),
    "check-shown": Address(
        (COMPANY,), members(WRONG_METHOD), only(*WORKS_IN_ERP, answer=SEE_OTHER), {"shown": CCO}
    ),
    "live-rows": Address((COMPANY,), only(*SEES_ERP), members(WRONG_METHOD)),
    "bulk-unlinks": Address((COMPANY,), only(*SEES_ERP), only(*SEES_ERP, answer=INCOMPLETE)),
    "bulk-unlink-report": Address((COMPANY, BULK), only(*SEES_ERP), members(WRONG_METHOD)),
    "bulk-unlink-csv": Address((COMPANY, BULK), only(*SEES_ERP), members(WRONG_METHOD)),
    # It is the approver's.
    "bulk-unlink-cancel": Address(
        (COMPANY, BULK), members(WRONG_METHOD), only("approver", "erp-admin", answer=SEE_OTHER)
    ),
    "accept": Address((COMPANY, WAITS), only(*APPROVES), only(*APPROVES, answer=INCOMPLETE)),
    "reject": Address((COMPANY, WAITS), only(*APPROVES), only(*APPROVES, answer=INCOMPLETE)),
    "link": Address((COMPANY, WAITS), members(WRONG_METHOD), only(*APPROVES, answer=SEE_OTHER)),
    "export": Address((COMPANY, WAITS), members(WRONG_METHOD), only(*APPROVES, answer=SEE_OTHER)),
    "worksheet": Address((COMPANY, FAILED), only(*SEES_ERP), members(WRONG_METHOD)),
    "worksheet-csv": Address((COMPANY, FAILED), only(*SEES_ERP), members(WRONG_METHOD)),
    "give-back": Address((COMPANY, FAILED), only(*APPROVES), only(*APPROVES, answer=INCOMPLETE)),
    "relink": Address((COMPANY, CCO), members(WRONG_METHOD), only("approver", "erp-admin", answer=SEE_OTHER)),
    "move": Address(
        (COMPANY, CCO), only("approver", "erp-admin"), only("approver", "erp-admin", answer=INCOMPLETE)
    ),
    "left-records": Address(
        (COMPANY, CCO), only(*SEES_ERP), only("approver", "erp-admin", answer=INCOMPLETE)
    ),
    "unwind-plan": Address((COMPANY, CCO), only(*SEES_COMMITMENTS), members(WRONG_METHOD)),
    "erp-commitments": Address((COMPANY,), only(*SEES_ERP), members(WRONG_METHOD)),
    "erp-jobs": Address((COMPANY,), only(*SEES_ERP), members(WRONG_METHOD)),
    "erp-vendors": Address((COMPANY,), only(*SEES_ERP), members(WRONG_METHOD)),
    "erp-commitments-link": Address(
        (COMPANY, COMMITMENT), only(*APPROVES), only(*APPROVES, answer=INCOMPLETE)
    ),
    "erp-commitments-unlink": Address(
        (COMPANY, COMMITMENT), members(WRONG_METHOD), only("approver", "erp-admin", answer=SEE_OTHER)
    ),
    "erp-jobs-unlink": Address(
        (COMPANY, PROJECT_ID), members(WRONG_METHOD), only(*WORKS_IN_ERP, answer=SEE_OTHER)
    ),
    "erp-vendors-unlink": Address(
        (COMPANY, VENDOR_ID), members(WRONG_METHOD), only(*WORKS_IN_ERP, answer=SEE_OTHER)
    ),
    "erp-jobs-link": Address((COMPANY, PROJECT_ID), only(*APPROVES), only(*APPROVES, answer=INCOMPLETE)),
    "erp-vendors-link": Address((COMPANY, VENDOR_ID), only(*APPROVES), only(*APPROVES, answer=INCOMPLETE)),
    "activity": Address((COMPANY,), only(*SEES_ERP), members(WRONG_METHOD)),
    "activity-csv": Address((COMPANY,), only(*SEES_ERP), members(WRONG_METHOD)),
    "activity-jsonl": Address((COMPANY,), only(*SEES_ERP), members(WRONG_METHOD)),
    "activity-event": Address((COMPANY, EVENT), only(*SEES_ERP), members(WRONG_METHOD)),
    "connection": Address(
        (COMPANY,), only(*SEES_ERP), only("erp-admin", answer=INCOMPLETE), {"server": "sage01"}
    ),
    "connection-check": Address((COMPANY,), members(WRONG_METHOD), only(*WORKS_IN_ERP, answer=DONE)),
    "connection-reconciliation": Address(
        (COMPANY,), members(WRONG_METHOD), only("erp-admin", answer=INCOMPLETE)
    ),
    "connection-compare": Address((COMPANY,), members(WRONG_METHOD), only("erp-admin", answer=DONE)),
    "deletion-state": Address((COMPANY,), only("erp-admin"), only("erp-admin", answer=INCOMPLETE)),
    # There is none of that number; who is an ERP admin is told so.
    **{
        f"deletion-{act}": Address(
            (COMPANY, "999999"), members(WRONG_METHOD), only("erp-admin", answer=NOT_YOURS)
        )
        for act in ("confirm", "withdraw")
    },
    "connection-accept": Address(
        (COMPANY,), members(WRONG_METHOD), only("erp-admin", answer=DONE), {"reason": "It is ours"}
    ),
    "projects": Address((COMPANY,), members(PAGE), members(WRONG_METHOD)),
    "commitments": Address((COMPANY, PROJECT), only(*SEES_COMMITMENTS), members(WRONG_METHOD)),
    "commitment-new": Address(
        (COMPANY, PROJECT, "subcontract"),
        only(*CHANGES_COMMITMENTS),
        only(*CHANGES_COMMITMENTS, answer=INCOMPLETE),
    ),
    "commitment": Address((COMPANY, PROJECT, COMMITMENT), only(*SEES_COMMITMENTS), members(WRONG_METHOD)),
    "commitment-edit": Address(
        (COMPANY, PROJECT, COMMITMENT),
        only(*CHANGES_COMMITMENTS),
        only(*CHANGES_COMMITMENTS, answer=INCOMPLETE),
    ),
    "commitment-delete": Address(
        (COMPANY, PROJECT, COMMITMENT), members(WRONG_METHOD), only(*CHANGES_COMMITMENTS, answer=DONE)
    ),
    "commitment-change-order-new": Address(
        (COMPANY, PROJECT, COMMITMENT),
        only(*CHANGES_COMMITMENTS),
        only(*CHANGES_COMMITMENTS, answer=INCOMPLETE),
    ),
    "commitment-change-order": Address(
        (COMPANY, PROJECT, CCO), only(*SEES_COMMITMENTS), members(WRONG_METHOD)
    ),
    "change-order-send": Address(
        (COMPANY, PROJECT, CCO), members(WRONG_METHOD), only(*CHANGES_COMMITMENTS, answer=DONE)
    ),
    "change-order-retrieve": Address(
        (COMPANY, PROJECT, CCO), members(WRONG_METHOD), only(*CHANGES_COMMITMENTS, answer=DONE)
    ),
    "commitment-change-order-edit": Address(
        (COMPANY, PROJECT, CCO), only(*CHANGES_COMMITMENTS), only(*CHANGES_COMMITMENTS, answer=INCOMPLETE)
    ),
    **{
        f"commitment-change-order-{act}": Address(
            (COMPANY, PROJECT, CCO),
            members(WRONG_METHOD),
            only(*CHANGES_COMMITMENTS, answer=DONE),
            {"status": "VOID"},
        )
        for act in ("approve", "un-approve", "set-to-draft", "status", "delete")
    },
    **{
        f"change-order-{act}": Address(
            (COMPANY, PROJECT, CCO), members(WRONG_METHOD), only(*CHANGES_COMMITMENTS, answer=DONE)
        )
        for act in ("send", "retrieve")
    },
    "directory": Address((COMPANY,), members(PAGE), members(WRONG_METHOD)),
    "directory-own": Address((COMPANY,), members(DONE), members(WRONG_METHOD)),
    "directory-digest": Address((COMPANY,), members(WRONG_METHOD), members(DONE)),
    # The entry is the approver's.
    "directory-person": Address((COMPANY, ENTRY), members(PAGE), members(WRONG_METHOD)),
    "directory-levels": Address(
        (COMPANY, ENTRY), members(WRONG_METHOD), only("company-admin", answer=INCOMPLETE)
    ),
    "directory-request-privilege": Address(
        (COMPANY, ENTRY),
        members(WRONG_METHOD),
        only("approver", "company-admin", answer=DONE),
        {"reason": "It is needed"},
    ),
    "sandbox": Address((COMPANY,), only(*WORKS_IN_ERP), members(WRONG_METHOD)),
    "sandbox-new": Address(
        (COMPANY,), only(*WORKS_IN_ERP), only(*WORKS_IN_ERP, answer=DONE), NEW_CHANGE_ORDER
    ),
    "sandbox-record": Address((COMPANY, RECORD), only(*WORKS_IN_ERP), members(WRONG_METHOD)),
    "sandbox-act": Address(
        (COMPANY, RECORD), members(WRONG_METHOD), only(*WORKS_IN_ERP, answer=DONE), {"act": "restore"}
    ),
    "sandbox-fault": Address(
        (COMPANY,), members(WRONG_METHOD), only(*WORKS_IN_ERP, answer=DONE), {"fault": "none"}
    ),
    "sandbox-archive": Address((COMPANY, "2612"), members(WRONG_METHOD), only(*WORKS_IN_ERP, answer=DONE)),
    # What monitors ask; who is told what there is in test_probes.py.
    **{name: Address((), public(PAGE), public(WRONG_METHOD)) for name in PUBLIC},
    # Last: afterwards the practice company is another database.
    "sandbox-restore-backup": Address((COMPANY,), members(WRONG_METHOD), only(*WORKS_IN_ERP, answer=DONE)),
}

BY_PREFIX = ("account_", "admin:")
"""Addresses of other people's code, judged as a whole."""


@pytest.fixture(scope="module")
def loaded(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The folder of the demo's practice companies. Its rows stay; each test rolls back its own."""
    folder = tmp_path_factory.mktemp("demo")
    all_tests = transaction.atomic()
    all_tests._from_testcase = True  # type: ignore[attr-defined]  # a durable block may begin inside
    quick = override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"])
    with django_db_blocker.unblock(), all_tests:
        with quick:
            load_demo(folder / "sandbox")
        shutil.copytree(folder / "sandbox", folder / "kept")
        yield folder
        transaction.set_rollback(True)


@pytest.fixture
def demo(loaded: Path, db: None) -> Company:
    shutil.rmtree(loaded / "sandbox")
    shutil.copytree(loaded / "kept", loaded / "sandbox")
    return Company.objects.get(slug="harbor-point")


@pytest.fixture
def state(demo: Company, loaded: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    """What must be the same after a refusal: all companies' rows, their Sages' books, and who asked one."""
    asked: list[Path] = []
    connect = practice_connection.connect

    def counted(folder: Path) -> object:
        asked.append(folder)
        return connect(folder)

    monkeypatch.setattr(practice_connection, "connect", counted)

    def state() -> object:
        rows = [fingerprint(company.pk) for company in Company.objects.order_by("pk")]
        files = sorted(file for file in (loaded / "sandbox").rglob("*") if file.is_file())
        books = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
        return rows, books, len(asked)

    return state


@pytest.mark.parametrize("person", EVERYBODY)
def test_every_address_answers_everybody_as_the_matrix_says(
    person: str, demo: Company, state: Callable[[], object]
) -> None:
    wrong = list(_wrong_answers(demo, state, person))
    assert not wrong, "\n".join(wrong)


def test_the_admin_and_the_sign_in_pages_answer_strangers_as_strangers(demo: Company) -> None:
    wrong = [*_strangers_in_the_admin(), *_company_names_before_the_door(demo)]
    assert not wrong, "\n".join(wrong)


def test_no_address_is_missing_from_the_matrix() -> None:
    assert {name for name in names_of(get_resolver()) if not name.startswith(BY_PREFIX)} == set(MATRIX)


def _wrong_answers(demo: Company, state: Callable[[], object], person: str) -> Iterator[str]:
    before: object = None  # the state after the last refusal, while nothing else was asked since
    for name, address in MATRIX.items():
        values = _values(demo)
        url = reverse(name, args=[values.get(argument, argument) for argument in address.arguments])
        data = {key: values.get(value, value) for key, value in address.data.items()}
        for method, expected in (("GET", address.get[person]), ("POST", address.post[person])):
            refused = expected in (NOT_ALLOWED, NOT_YOURS, WRONG_METHOD, INCOMPLETE) or person == ANONYMOUS
            if refused and before is None:
                before = state()
            answer = _send(_browser(person), method, url, data)
            if answer.status_code != expected:
                yield f"{method} {name} as {person}: {answer.status_code}, not {expected}"
            after = state() if refused else None
            if after != before and refused:
                yield f"{method} {name} as {person} was refused, and changed something or asked Sage"
            before = after
            to_sign_in = person == ANONYMOUS and name not in PUBLIC
            if to_sign_in and "/sign-in/" not in answer.headers.get("Location", ""):
                yield f"{method} {name} as nobody does not lead to sign-in"


def _strangers_in_the_admin() -> Iterator[str]:
    """By prefix: Django's own pages, for staff only."""
    for person in EVERYBODY:
        status = _browser(person).get(reverse("admin:index")).status_code
        if (status == PAGE) != (person == "support") or status not in (PAGE, TO_SIGN_IN, NOT_ALLOWED):
            yield f"the admin answers {person} with {status}"


def _company_names_before_the_door(demo: Company) -> Iterator[str]:
    """By prefix: the sign-in pages, which know nobody's company."""
    for name in [name for name in names_of(get_resolver()) if name.startswith("account_")]:
        for person in (ANONYMOUS, "outsider"):
            answer = _browser(person).get(reverse(name))
            if answer.status_code not in (PAGE, TO_SIGN_IN) or demo.name in answer.content.decode():
                yield f"{name} answers {person} with {answer.status_code}"


def _send(client: Client, method: str, url: str, data: dict[str, str]) -> Any:
    if method == "GET":
        return client.get(url)
    with_htmx = {"HX-Request": "true"} if url.endswith("/unlink/") else {}
    answer = client.post(url, data, headers=with_htmx)
    if "HX-Redirect" in answer.headers:  # how a fragment is sent to sign-in
        answer.status_code, answer.headers["Location"] = 302, answer.headers["HX-Redirect"]
    return answer


def _values(demo: Company) -> dict[str, str]:
    cco = CommitmentChangeOrder.objects.select_related("commitment__project").get(
        title="Approved in Sage", commitment__project__company=demo
    )
    link = cco.erp_links.get()
    others = CommitmentChangeOrder.objects.filter(commitment__project__company=demo)
    return {
        WAITS: str(others.get(title="Winter protection").pk),
        BULK: str(_bulk_of(demo, cco.pk)),
        EVENT: f"link-{LinkEvent.objects.filter(company_id=demo.pk).earliest('id').pk}",
        FAILED: str(others.get(title="Embed plates revised").pk),
        PROJECT_ID: str(cco.commitment.project_id),
        VENDOR_ID: str(cco.commitment.vendor_id),
        COMPANY: demo.slug,
        CCO: str(cco.pk),
        COMMITMENT: str(cco.commitment_id),
        PROJECT: cco.commitment.project.number,
        RECORD: link.record_number,
        ENTRY: str(Membership.objects.get(company=demo, user__username="approver").pk),
    }


def _bulk_of(demo: Company, change_order_id: int) -> int:
    """A bulk unlink of the approver's, started once."""
    approver = User.objects.get(username="approver")
    there = BulkUnlink.objects.filter(company=demo).first()
    bulk = there or start_bulk_unlink(
        company_id=demo.pk,
        change_order_ids=[change_order_id],
        actor=Actor(user_id=approver.pk, name=approver.name, via=Via.PAGE),
    )
    return bulk.pk


def _browser(person: str) -> Client:
    client = Client()
    if person != ANONYMOUS:
        client.force_login(User.objects.get(username=person))
    return client


def names_of(resolver: URLResolver, namespace: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from names_of(
                pattern, f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            )
        else:
            yield f"{namespace}{pattern.name or pattern.pattern}"
