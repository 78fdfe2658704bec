"""What was deleted between the door of a page and the lock of its operation: not found, and nothing done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from commitments.models import Commitment, CommitmentChangeOrder, ErpStatus, HistoryEntry
from companies.clock import database_now
from companies.models import User
from erp_integrations.models import ChangeOrderLink, Export, ExportOutcome, LinkEvent
from tests.sendable import approved_cco, books_of, send, tied_commitment
from tests.web.pages import page_of
from tests.web.people import browser_of
from tests.web.sheets import fields_on
from tests.world import World

OF_THE_TEAM = ("approve", "un-approve", "set-to-draft", "status", "delete")
OF_ACCOUNTING = ("accept", "reject", "link", "export", "give-back", "relink")
TYPED = {
    "reason": "Wrong cost code",
    "record_number": "1",
    "erp_number": "900",
    "writer": "sandbox",
    "token": "x",
    "status": "VOID",
}


@contextmanager
def deleted_after_the_door(model: type[Any], pk: int) -> Iterator[list[str]]:
    """Deletes the row once the page has found it: before whatever is read of its table next."""
    seen: list[str] = []

    def wrapper(
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,  # noqa: FBT001  (Django's own signature)
        context: Any,
    ) -> Any:
        if sql.startswith("SELECT") and f'FROM "{model._meta.db_table}"' in sql:
            seen.append(sql)
            if len(seen) == 2:
                _delete(model, pk)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield seen


def _delete(model: type[Any], pk: int) -> None:
    """As somebody quicker would: a CCO that waits for accounting is retrieved first."""
    if model is CommitmentChangeOrder and Export.objects.filter(change_order=pk, ended_at=None).exists():
        Export.objects.filter(change_order=pk).update(
            ended_at=database_now(), ended_by_name="Somebody quicker", outcome=ExportOutcome.RETRIEVED
        )
        model.objects.filter(pk=pk).update(erp_status=ErpStatus.NOT_IN_ERP)
    model.objects.get(pk=pk).delete()


def ledger() -> tuple[int, int, int]:
    return LinkEvent.objects.count(), HistoryEntry.objects.count(), ChangeOrderLink.objects.count()


@pytest.fixture
def cco(world: World) -> CommitmentChangeOrder:
    return approved_cco(tied_commitment(world))


@pytest.fixture
def person(cco: CommitmentChangeOrder, world: World) -> User:
    return world.person()


@pytest.fixture
def client(person: User) -> Client:
    return browser_of(person)


def _not_found(world: World, cco: CommitmentChangeOrder, post: Callable[[], Any]) -> None:
    before, books = ledger(), books_of(world)

    with deleted_after_the_door(CommitmentChangeOrder, cco.pk) as seen:
        answer = post()

    assert len(seen) >= 2, "it was deleted while the page was made"
    assert answer.status_code == 404
    assert (ledger(), books_of(world)) == (before, books)


@pytest.mark.parametrize("act", OF_ACCOUNTING)
def test_accountings_acts(
    world: World, cco: CommitmentChangeOrder, person: User, client: Client, act: str
) -> None:
    if act != "relink":
        send(world, cco, by=person)
    where = reverse(act, args=[world.company.slug, cco.pk])

    _not_found(world, cco, lambda: client.post(where, TYPED))


def test_the_page_of_accepting(
    world: World, cco: CommitmentChangeOrder, person: User, client: Client
) -> None:
    send(world, cco, by=person)
    where = reverse("accept", args=[world.company.slug, cco.pk])

    _not_found(world, cco, lambda: client.get(where))


def test_the_row_of_a_list_loads_its_page_again(
    world: World, cco: CommitmentChangeOrder, person: User, client: Client
) -> None:
    send(world, cco, by=person)
    where = reverse("export", args=[world.company.slug, cco.pk])

    _not_found(world, cco, lambda: client.post(where, headers={"HX-Request": "true"}))


@pytest.mark.parametrize("act", ["send", "retrieve"])
def test_sending_and_retrieving(
    world: World, cco: CommitmentChangeOrder, person: User, client: Client, act: str
) -> None:
    if act == "retrieve":
        send(world, cco, by=person)
    where = reverse(f"change-order-{act}", args=[world.company.slug, world.project.number, cco.pk])

    _not_found(world, cco, lambda: client.post(where))


@pytest.mark.parametrize("act", OF_THE_TEAM)
def test_the_teams_acts(
    world: World, cco: CommitmentChangeOrder, person: User, client: Client, act: str
) -> None:
    where = reverse(f"commitment-change-order-{act}", args=[world.company.slug, world.project.number, cco.pk])

    _not_found(world, cco, lambda: client.post(where, TYPED))


def test_saving_a_cco(world: World, cco: CommitmentChangeOrder, client: Client) -> None:
    where = reverse("commitment-change-order-edit", args=[world.company.slug, world.project.number, cco.pk])
    fields = fields_on(page_of(client.get(where)))

    _not_found(world, cco, lambda: client.post(where, {**fields, "title": "Corrected"}))


@pytest.mark.parametrize("page", ["commitment-edit", "commitment-change-order-new", "commitment-delete"])
def test_a_commitment(world: World, client: Client, person: User, page: str) -> None:
    commitment = world.commitment
    where = reverse(page, args=[world.company.slug, world.project.number, commitment.pk])
    fields = {} if page.endswith("delete") else fields_on(page_of(client.get(where)))
    before = ledger()

    with deleted_after_the_door(Commitment, commitment.pk) as seen:
        answer = client.post(where, {**fields, "title": "Corrected", "number": "007"})

    assert len(seen) >= 2
    assert answer.status_code == 404
    assert ledger() == before
