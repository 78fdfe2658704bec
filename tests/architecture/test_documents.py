"""What the documents name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    ROOT / "docs" / "threat-model.md",
    ROOT / "tests" / "README.md",
    ROOT / "tests/contract/README.md",
)
NAMED = re.compile(r"(?<!`)`(?=[t:])(?P<file>tests/[\w/]+\.py)?(?:::(?P<test>test_\w+))?`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_a_document_names_exists(document: Path) -> None:
    missing, file = [], ""
    for line in document.read_text().splitlines():
        for named in NAMED.finditer(line):
            file = named["file"] or file
            text = (ROOT / file).read_text() if (ROOT / file).is_file() else ""
            if not text or (named["test"] and f"def {named['test']}(" not in text):
                missing.append(named.group())
    assert not missing


PATH = re.compile(
    r"`((?:erp_integrations|sage_adapter|companies|commitments|config|tests|bin|deploy|docs|templates)/[\w./-]*)`"
)
PROSE = [ROOT / "CONTRIBUTING.md", ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("document", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    assert [path for path in PATH.findall(document.read_text()) if not (ROOT / path).exists()] == []
