"""The watched reader, and the promise at the end of every race."""

from collections.abc import Iterator

import pytest

from tests.domain.readers import moments
from tests.invariants import assert_promise_kept
from tests.world import World

__all__ = ["moments"]


@pytest.fixture(autouse=True)
def the_promise_is_kept(committed_world: World) -> Iterator[None]:
    yield
    assert_promise_kept()
