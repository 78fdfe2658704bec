"""One practice company made once, for tests that change a copy of it."""

import shutil
from pathlib import Path

import pytest

from sage_adapter.sandbox import open_sandbox


@pytest.fixture(scope="session")
def harbor_point(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a company to which nothing has happened. To be copied, not changed."""
    folder = tmp_path_factory.mktemp("harbor-point")
    open_sandbox(folder, name="harbor-point").create()
    return folder


@pytest.fixture
def copied(harbor_point: Path, tmp_path: Path) -> Path:
    """A company of the test's own."""
    return shutil.copytree(harbor_point, tmp_path / "books")
