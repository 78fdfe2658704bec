"""docs/mutation-testing.md as `bin/mutate` reads it."""

from tests.mutation.__main__ import EXPLANATIONS, TARGETS, Change, _explanations

DOCUMENT = """
### `one.py`

The first does nothing.

```diff
@@ f
-return 1
+return 2

@@ g
-return 1
+
```

### `two.py`

```diff
@@ Access.on_job
-a(b,
-c)
+a(b, )
```
"""


def test_each_explanation_is_read_with_the_file_and_the_function_it_stands_under() -> None:
    assert list(_explanations(DOCUMENT)) == [
        Change("one.py", "f", ("return 1",), ("return 2",)),
        Change("one.py", "g", ("return 1",), ("",)),
        Change("two.py", "Access.on_job", ("a(b,", "c)"), ("a(b, )",)),
    ]


def test_what_the_document_explains_is_of_the_files_that_are_broken() -> None:
    broken = {file for target in TARGETS for file in target.files}

    explained = {change.file for change in _explanations(EXPLANATIONS.read_text(encoding="utf-8"))}

    assert explained <= broken
