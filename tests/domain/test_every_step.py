"""Every act in every ERP status with every combination of levels: the table, the matrix, nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.models import (
    CompanyToolPermission,
    Level,
    Membership,
    ProjectToolPermission,
    User,
)
from companies.permissions import MATRIX, Act, Needs
from erp_integrations.exports import review, run_export, submit
from erp_integrations.links import move_link, relink, unlink
from erp_integrations.models import LinkEvent
from erp_integrations.workflow.erp_statuses import TRANSITIONS, Step
from erp_integrations.workflow.errors import (
    AlreadyUnlinked,
    NeverLinked,
    NotAllowed,
    NotAsShown,
    NotPossibleNow,
    NoTrustworthyAnswer,
    Refused,
    StillInErp,
    UnlinkInProgress,
)
from tests.invariants import fingerprint
from tests.sendable import (
    accept,
    actor,
    approved_cco,
    export,
    link_as_it_is,
    preview,
    send,
    status_of,
    tied_commitment,
)
from tests.world import World, give_privilege

Doing = Callable[[World, CommitmentChangeOrder, User], object]


def _keys(world: World, cco: CommitmentChangeOrder, by: User) -> dict[str, Any]:
    return {"company_id": world.company.pk, "change_order_id": cco.pk, "actor": actor(by)}


def _accept(world: World, cco: CommitmentChangeOrder, by: User) -> object:
    if cco.pk not in TOKENS and status_of(cco) == ErpStatus.READY_TO_EXPORT:
        TOKENS[cco.pk] = preview(world, cco, number="9-7").token
    return review.accept_change_order(
        **_keys(world, cco, by), erp_number="9-7", writer="sandbox", token=TOKENS.get(cco.pk, "none")
    )


def _move(world: World, cco: CommitmentChangeOrder, by: User) -> object:
    """To another record of the subcontract; says yes to whatever is shown."""
    keys = _keys(world, cco, by) | {
        "record_number": world.scenarios["present"].record_number,
        "subcontract_record_number": "",
        "reason": "It is this one",
    }
    try:
        return move_link.move_change_order_link(**keys, shown="")
    except NotAsShown as refusal:
        return move_link.move_change_order_link(**keys, shown=refusal.now.token)


TOKENS: dict[int, str] = {}
"""What was shown of each waiting CCO, so that the approver's question alone is counted."""


@dataclass(frozen=True, slots=True)
class Deed:
    """An operation, what the matrix calls it, and the steps of the table it may take."""

    act: Act
    steps: tuple[Step, ...]
    do: Doing


DEEDS = {
    "send": Deed(
        Act.SEND,
        (Step.SEND, Step.RESEND),
        lambda world, cco, by: submit.send_change_order(**_keys(world, cco, by)),
    ),
    "retrieve": Deed(
        Act.SEND,
        (Step.RETRIEVE,),
        lambda world, cco, by: submit.retrieve_change_order(**_keys(world, cco, by)),
    ),
    "reject": Deed(
        Act.REJECT,
        (Step.REJECT,),
        lambda world, cco, by: review.reject_change_order(**_keys(world, cco, by), reason="No"),
    ),
    "accept": Deed(Act.ACCEPT, (Step.ACCEPT,), _accept),
    "link": Deed(
        Act.ACCEPT,
        (Step.LINK,),
        lambda world, cco, by: link_as_it_is(world, cco, world.scenarios["present"].record_number, by=by),
    ),
    "export": Deed(
        Act.ACCEPT,
        (Step.FIND, Step.FAIL, Step.RETRY),
        lambda world, cco, by: run_export.export_change_order(**_keys(world, cco, by)),
    ),
    "give back": Deed(
        Act.REJECT,
        (Step.GIVE_BACK,),
        lambda world, cco, by: run_export.give_back_change_order(**_keys(world, cco, by), reason="No"),
    ),
    "unlink": Deed(
        Act.UNLINK,
        (Step.UNLINK,),
        lambda world, cco, by: unlink.unlink_change_order(**_keys(world, cco, by)),
    ),
    "move": Deed(Act.MOVE_LINK, (Step.MOVE,), _move),
    "relink": Deed(
        Act.RELINK,
        (Step.RELINK,),
        lambda world, cco, by: relink.relink_change_order(**_keys(world, cco, by)),
    ),
}


def _possible(status: ErpStatus, deed: Deed) -> list[ErpStatus]:
    return [TRANSITIONS[status, step] for step in deed.steps if (status, step) in TRANSITIONS]


def _cco_in(world: World, status: ErpStatus, by: User) -> CommitmentChangeOrder:
    """A CCO that came to that status by the operations; whatever the table names is possible with it."""
    cco = approved_cco(world.project.commitments.get(), number="900")
    send(world, cco, by=by)
    if status == ErpStatus.READY_TO_EXPORT:
        return cco
    if status == ErpStatus.REJECTED:
        DEEDS["reject"].do(world, cco, by)
        return cco
    accept(world, cco, by=by)
    if status == ErpStatus.EXPORTING:
        return cco
    if status == ErpStatus.FAILED_TO_EXPORT:
        world.sage.set_fault("offline")
        with pytest.raises(Refused):
            export(world, cco, by=by)
        world.sage.set_fault("none")
        return cco
    export(world, cco, by=by)
    world.delete_in_sage(cco)
    if status == ErpStatus.NOT_IN_ERP:
        world.unlink(cco, by=by)
        world.sage.restore(world.record_of(cco), user="ACCT1")
    return cco


def _give(person: User, *, commitments: Level, erp: Level, privilege: bool) -> None:
    if privilege:
        give_privilege(person)
    else:
        Membership.objects.filter(user=person).update(can_push_to_accounting=False)
    CompanyToolPermission.objects.filter(membership__user=person).update(level=erp)
    ProjectToolPermission.objects.filter(membership__user=person).update(level=commitments)


@pytest.fixture
def approver(world: World) -> User:
    tied_commitment(world)
    return world.person()


def test_every_step_of_the_table_belongs_to_a_deed() -> None:
    assert {step for deed in DEEDS.values() for step in deed.steps} == set(Step)


@pytest.mark.parametrize("status", ErpStatus)
def test_what_table_or_matrix_do_not_name_is_refused_and_sage_is_not_asked(
    world: World, approver: User, status: ErpStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_unlinking = (UnlinkInProgress, AlreadyUnlinked, NeverLinked, StillInErp, NoTrustworthyAnswer)
    cco = _cco_in(world, status, approver)
    somebody = world.person("somebody")
    if status == ErpStatus.READY_TO_EXPORT:
        TOKENS[cco.pk] = preview(world, cco, number="9-7").token
    before = fingerprint(world.company.pk)
    tried = 0

    asked: list[str] = []
    monkeypatch.setattr("sage_adapter.reader.open_session", lambda *_: asked.append("Sage"))
    for commitments, erp, privilege in product(Level, Level, (False, True)):
        _give(somebody, commitments=commitments, erp=erp, privilege=privilege)
        for name, deed in DEEDS.items():
            lacks = _lacks(deed.act, commitments=commitments, erp=erp, privilege=privilege)
            if _possible(status, deed) and not lacks:
                continue
            tried += 1
            with pytest.raises((NotAllowed, NotPossibleNow, *of_unlinking)) as refused:
                deed.do(world, cco, somebody)
            assert isinstance(refused.value, NotAllowed) == lacks, (name, refused.value)

    assert (fingerprint(world.company.pk), asked) == (before, [])
    assert tried > 200


def _lacks(act: Act, *, commitments: Level, erp: Level, privilege: bool) -> bool:
    """Read off the matrix by itself, not by the function that the product reads it with."""
    needs: Needs = MATRIX[act]
    return (
        commitments < needs.commitments
        or erp < needs.erp_integrations
        or (needs.can_push_to_accounting and not privilege)
    )


@pytest.mark.parametrize(
    ("status", "name"),
    [(status, name) for status in ErpStatus for name, deed in DEEDS.items() if _possible(status, deed)],
)
def test_what_the_table_names_is_done_with_the_least_rights_the_matrix_asks(
    world: World, approver: User, status: ErpStatus, name: str
) -> None:
    deed = DEEDS[name]
    cco = _cco_in(world, status, approver)
    needs = MATRIX[deed.act]
    _give(
        approver,
        commitments=needs.commitments,
        erp=needs.erp_integrations,
        privilege=needs.can_push_to_accounting,
    )
    events = LinkEvent.objects.filter(subject_id=cco.pk, subject_kind="change-order").count()

    deed.do(world, cco, approver)

    ends = {after for one in _possible(status, deed) for after in (one, *_then(one, name))}
    assert status_of(cco) in ends
    assert LinkEvent.objects.filter(subject_id=cco.pk, subject_kind="change-order").count() > events


def _then(status: ErpStatus, name: str) -> tuple[ErpStatus, ...]:
    """A retry is Exporting for as long as it takes."""
    return (ErpStatus.SYNCED,) if (status, name) == (ErpStatus.EXPORTING, "export") else ()
