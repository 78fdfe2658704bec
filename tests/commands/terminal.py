"""Running a command: in this process, or as a shell would."""

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What `--json` printed: one object per line."""
        return [json.loads(line) for line in self.out.splitlines()]


def run(*words: str) -> Ran:
    """The command in this process, in the test's own transaction."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*words, stdout=out, stderr=err)
    except CommandError as refused:
        return Ran(refused.returncode, out.getvalue(), str(refused))
    return Ran(0, out.getvalue(), err.getvalue())


def database_url(name: str | None = None) -> str:
    """The address of the tests' own database, or of another on the same server."""
    known = connection.settings_dict
    parts = {
        "host": known["HOST"],
        "port": known["PORT"],
        "user": known["USER"],
        "password": known["PASSWORD"],
    }
    query = urlencode({key: value for key, value in parts.items() if value})
    return f"postgresql:///{name or known['NAME']}?{query}"


def environment(**changes: str) -> dict[str, str]:
    """What a shell would have set; an empty value counts as not set."""
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_KEYS": ",".join(settings.FIELD_KEYS),
        "DEMO": "1",
        "SAGE_SECOND_LOOK_SECONDS": "0",
        **changes,
    }


def manage(*words: str, stdin: str = "", **changes: str) -> Ran:
    """The command in a process of its own, on what the test has committed."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *words],
        env=environment(**changes),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
