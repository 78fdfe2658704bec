"""What accounting holds stays as it is, and the change history is never rewritten: below all Python."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from commitments.models import (
    ChangeOrderLine,
    ChangeOrderStatus,
    Commitment,
    CommitmentChangeOrder,
    CommitmentKind,
    ErpStatus,
    HistoryEntry,
)
from tests import factories
from tests.domain.refusing import refused_by, run
from tests.world import World

CCO = "commitments_commitmentchangeorder"
LINE = "commitments_changeorderline"
COMMITMENT = "commitments_commitment"
HISTORY = "commitments_historyentry"

FREE = (ErpStatus.NOT_IN_ERP, ErpStatus.REJECTED)
HELD = tuple(status for status in ErpStatus if status not in FREE)
WITH_ACCOUNTING = tuple(status for status in HELD if status != ErpStatus.SYNCED)
CHANGES = {
    "number": "'900'",
    "title": "'Changed'",
    "status": "'DRAFT'",
    "description": "'Changed'",
    "created_at": "now()",
    "approved_at": "now()",
    "created_by_name": "'Somebody else'",
    "revision": "revision + 1",
}


def cco_in(world: World, status: ErpStatus) -> CommitmentChangeOrder:
    return world.synced_cco() if status == ErpStatus.SYNCED else world.free_cco(erp_status=status)


def as_it_is(cco: CommitmentChangeOrder) -> tuple[Any, ...]:
    [row] = CommitmentChangeOrder.objects.filter(pk=cco.pk).values_list()
    return (*row, *ChangeOrderLine.objects.filter(change_order=cco).order_by("id").values_list())


# --- the CCO --------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", CHANGES)
@pytest.mark.parametrize("status", HELD)
def test_nothing_of_what_accounting_holds_changes(world: World, status: ErpStatus, column: str) -> None:
    cco = cco_in(world, status)
    before = as_it_is(cco)
    change = f"UPDATE {CCO} SET {column} = {CHANGES[column]} WHERE id = %s"
    if status == ErpStatus.SYNCED and column in ("description", "revision"):
        assert run(change, cco.pk) == 1
        return
    with refused_by("what_accounting_holds_stays"):
        run(change, cco.pk)
    assert as_it_is(cco) == before


@pytest.mark.parametrize("status", HELD)
def test_nothing_changes_on_the_way_out_either(world: World, status: ErpStatus) -> None:
    """One statement that frees the CCO and changes it."""
    cco = cco_in(world, status)
    before = as_it_is(cco)
    with refused_by("what_accounting_holds_stays", "erp_status_walks"):
        run(f"UPDATE {CCO} SET erp_status = 'NOT_IN_ERP', title = 'Changed' WHERE id = %s", cco.pk)
    assert as_it_is(cco) == before


@pytest.mark.parametrize("status", HELD)
def test_what_accounting_holds_stays_in_its_commitment(world: World, status: ErpStatus) -> None:
    cco = cco_in(world, status)
    other = factories.CommitmentFactory.create(project=world.project)
    with refused_by("what_accounting_holds_stays", "synced_stays_in_commitment"):
        run(f"UPDATE {CCO} SET commitment_id = %s WHERE id = %s", other.pk, cco.pk)


@pytest.mark.parametrize("status", HELD)
@pytest.mark.parametrize(
    "change",
    [
        f"INSERT INTO {LINE} (change_order_id, position, description, cost_code_id, cost_type_id, amount)"
        f" SELECT change_order_id, 99, 'New', cost_code_id, cost_type_id, %s FROM {LINE}"
        " WHERE change_order_id = %s",
        f"UPDATE {LINE} SET amount = %s WHERE change_order_id = %s",
        f"UPDATE {LINE} SET position = 50 + %s WHERE change_order_id = %s",
        f"DELETE FROM {LINE} WHERE %s = 0 AND change_order_id = %s",
    ],
    ids=["added", "amount", "position", "removed"],
)
def test_no_line_of_what_accounting_holds_changes(world: World, status: ErpStatus, change: str) -> None:
    cco = cco_in(world, status)
    before = as_it_is(cco)
    with refused_by("what_accounting_holds_keeps_its_lines"):
        run(change, 0, cco.pk)
    assert as_it_is(cco) == before


def test_a_line_moves_neither_into_nor_out_of_what_accounting_holds(world: World) -> None:
    held, free = world.free_cco(erp_status=ErpStatus.READY_TO_EXPORT), world.free_cco()
    before = as_it_is(held), as_it_is(free)
    for source, target in ((held, free), (free, held)):
        with refused_by("what_accounting_holds_keeps_its_lines"):
            ChangeOrderLine.objects.filter(change_order=source).update(change_order=target, position=77)
    assert (as_it_is(held), as_it_is(free)) == before


@pytest.mark.parametrize("status", WITH_ACCOUNTING)
@pytest.mark.parametrize("way", ["row", "rows", "sql"])
def test_what_accounting_holds_is_not_deleted(world: World, status: ErpStatus, way: str) -> None:
    cco = cco_in(world, status)
    before = as_it_is(cco)
    ways: dict[str, Callable[[], object]] = {
        "row": cco.delete,
        "rows": CommitmentChangeOrder.objects.filter(pk=cco.pk).delete,
        "sql": lambda: run(f"DELETE FROM {CCO} WHERE id = %s", cco.pk),
    }
    with refused_by("what_accounting_holds_stays", "what_accounting_holds_keeps_its_lines"):
        ways[way]()
    assert as_it_is(cco) == before


@pytest.mark.parametrize("status", FREE)
def test_what_is_free_may_change(world: World, status: ErpStatus) -> None:
    cco = cco_in(world, status)
    for column, value in CHANGES.items():
        if column != "approved_at":
            run(f"UPDATE {CCO} SET {column} = {value} WHERE id = %s", cco.pk)
    run(f"UPDATE {LINE} SET amount = amount + 1 WHERE change_order_id = %s", cco.pk)
    cco.delete()
    assert not CommitmentChangeOrder.objects.exists()


def test_only_an_approved_cco_has_a_time_of_approval(world: World) -> None:
    cco = world.free_cco()
    CommitmentChangeOrder.objects.filter(pk=cco.pk).update(approved_at=timezone.now())
    with refused_by("change_order_approved_at_of_approved"):
        CommitmentChangeOrder.objects.filter(pk=cco.pk).update(status=ChangeOrderStatus.DRAFT)
    cco.refresh_from_db()
    assert (cco.status, cco.approved_at is None) == (ChangeOrderStatus.APPROVED, False)


# --- its commitment -------------------------------------------------------------------------------


@pytest.mark.parametrize("status", HELD)
@pytest.mark.parametrize("field", ["vendor", "kind", "project"])
def test_a_commitment_keeps_what_accounting_relies_on(world: World, status: ErpStatus, field: str) -> None:
    cco_in(world, status)
    elsewhere = factories.ProjectFactory.create(company=world.company)
    changes: dict[str, dict[str, Any]] = {
        "vendor": {"vendor": factories.VendorFactory.create(company=world.company)},
        "kind": {"kind": CommitmentKind.PURCHASE_ORDER},
        "project": {"project": elsewhere},
    }
    with refused_by("what_accounting_holds_keeps_its_commitment", "linked_commitment_stays"):
        Commitment.objects.filter(pk=world.commitment.pk).update(**changes[field])
    assert Commitment.objects.get(pk=world.commitment.pk).vendor == world.commitment.vendor


@pytest.mark.parametrize("status", HELD)
def test_a_commitment_of_what_accounting_holds_is_not_deleted(world: World, status: ErpStatus) -> None:
    cco_in(world, status)
    with pytest.raises(ProtectedError), transaction.atomic():
        world.commitment.delete()
    with refused_by("commitments_commitmen_commitment_id_", "what_accounting_holds_keeps_its_lines"):
        run(f"DELETE FROM {LINE}")
        run(f"DELETE FROM {COMMITMENT} WHERE id = %s", world.commitment.pk)
    assert Commitment.objects.filter(pk=world.commitment.pk).exists()


def test_a_commitment_of_free_ccos_may_change(world: World) -> None:
    world.free_cco(erp_status=ErpStatus.REJECTED)
    vendor = factories.VendorFactory.create(company=world.company)
    Commitment.objects.filter(pk=world.commitment.pk).update(vendor=vendor)
    assert Commitment.objects.get(pk=world.commitment.pk).vendor == vendor


# --- the change history ---------------------------------------------------------------------------


def entry(**changes: Any) -> HistoryEntry:
    values: dict[str, Any] = {
        "at": timezone.now(),
        "company_id": 1,
        "subject_kind": HistoryEntry.Subject.CHANGE_ORDER,
        "subject_id": 1,
        "subject_label": "CCO 001",
        "actor_name": "approver",
        "what": "Title",
        "before": "Steel",
        "after": "Added steel",
    }
    return HistoryEntry(**values | changes)


def test_a_history_entry_changed_deleted_or_truncated(db: None) -> None:
    kept = entry()
    kept.save()
    before = list(HistoryEntry.objects.values())
    acts: tuple[Callable[[], object], ...] = (
        kept.save,
        kept.delete,
        HistoryEntry.objects.all().delete,
        lambda: HistoryEntry.objects.update(after="Something else"),
        lambda: run(f"DELETE FROM {HISTORY}"),
        lambda: run(f"TRUNCATE {HISTORY}"),
    )
    for act in acts:
        with refused_by("history_is_for_good"):
            act()
    assert list(HistoryEntry.objects.values()) == before


def test_a_history_entry_of_nobody_or_about_nothing(db: None) -> None:
    for wrong in ({"actor_name": ""}, {"what": ""}):
        with refused_by("history_says_who_and_what"):
            entry(**wrong).save()
    with refused_by("history_subject_known"):
        entry(subject_kind="project").save()
