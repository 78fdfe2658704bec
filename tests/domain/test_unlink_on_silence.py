"""An empty result is no answer: only a zero in a row that came back says that a record is gone."""

import itertools
from typing import Any

import pytest

from erp_integrations.workflow.errors import NoTrustworthyAnswer
from sage_adapter import session
from tests.invariants import assert_promise_kept
from tests.world import World


@pytest.mark.parametrize("silent_at", [1, 2], ids=["in the first look", "in the second look"])
@pytest.mark.parametrize("question", ["look", "handshake.sqlite"])
def test_a_question_that_comes_back_empty_leaves_the_link_although_the_record_is_gone(
    committed_world: World, monkeypatch: pytest.MonkeyPatch, question: str, silent_at: int
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    before, asked, sql_text = world.before(cco), itertools.count(1), session.sql_text

    def without_rows(name: str, *variant: tuple[Any, ...]) -> str:
        words = sql_text(name, *variant)
        silent = name == question and next(asked) == silent_at
        return f"SELECT * FROM ({words}) WHERE 1 = 0" if silent else words

    monkeypatch.setattr(session, "sql_text", without_rows)

    with pytest.raises(NoTrustworthyAnswer) as raised:
        world.unlink(cco, by=approver)

    assert raised.value.reason == ("no-count" if question == "look" else "row-not-understood")
    assert world.before(cco) == before
    assert_promise_kept()
