"""A company of the same name that is not the one, and somebody next door who has nothing to do with it."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from erp_integrations.erp import registry
from erp_integrations.ports import NoSuchRecord
from tests.invariants import assert_promise_kept, fingerprint
from tests.world import World


@pytest.fixture(scope="session")
def elsewhere(practice_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another database under the same name, in which every record is gone."""
    folder = tmp_path_factory.mktemp("elsewhere") / practice_template.name
    shutil.copytree(practice_template, folder)
    sage = registry.sandbox_at(folder)
    sage.restore_backup()
    for scenario in sage.company().scenarios:
        with suppress(NoSuchRecord):  # shares its record, or is younger than the backup
            sage.delete(scenario.record_number, user="ACCT2")
    return folder


@pytest.fixture
def next_door(committed_world: World) -> Iterator[World]:
    """Another company, tied to a record of the same Sage; afterwards it is as it was, and all is well."""
    world = World(committed_world.place, slug="next-door")
    world.synced_cco()
    before = fingerprint(world.company.pk)
    yield world
    assert_promise_kept()
    assert fingerprint(world.company.pk) == before
