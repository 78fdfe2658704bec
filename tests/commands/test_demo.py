"""What `bin/demo` refuses before it changes anything."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from config import demo


def test_the_database_of_another_version_is_refused_with_the_command_that_starts_over(db: None) -> None:
    demo._refuse_unknown_migrations()

    MigrationRecorder(connection).record_applied("companies", "0007_of_another_version")

    with pytest.raises(demo.CannotStart, match=r"companies\.0007_of_another_version.*bin/demo --reset"):
        demo._refuse_unknown_migrations()
