"""The units of deploy/systemd: systemd understands them, and what they start starts and stops."""

import http.client
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from config import embedded_postgres
from tests.commands.terminal import ROOT, environment

UNITS = ROOT / "deploy" / "systemd"
INSTALLED_IN = "/opt/plumbline"
PRODUCTION = {"DEMO": "", "ALLOWED_HOSTS": "127.0.0.1", "LOG_FORMAT": "json"}
PATIENCE_SECONDS = 30


def here(unit: Path) -> str:
    """The unit as if Plumbline were installed where these tests run."""
    programs = str(Path(sys.executable).parent)
    text = unit.read_text().replace(f"{INSTALLED_IN}/.venv/bin", programs)
    return text.replace(INSTALLED_IN, str(ROOT))


def starts(unit: str) -> list[str]:
    [line] = [line for line in here(UNITS / unit).splitlines() if line.startswith("ExecStart=")]
    return shlex.split(line.removeprefix("ExecStart="))


def verify(folder: Path) -> str:
    """What systemd has to say of the units in that folder; empty where all is well."""
    program = shutil.which("systemd-analyze")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("systemd-analyze is missing: apt-get install systemd")
        pytest.skip("systemd-analyze was not found: the units of deploy/systemd were not verified")
    units = sorted(str(unit) for unit in folder.iterdir())
    done = subprocess.run(
        [program, "verify", "--man=no", "--generators=no", *units],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr + (f"code {done.returncode}" if done.returncode else "")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    for unit in UNITS.iterdir():
        (tmp_path / unit.name).write_text(here(unit))
    return tmp_path


def test_systemd_has_nothing_to_say_against_the_units(installed: Path) -> None:
    assert verify(installed) == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("Restart=always", "Restart=sometimes"), ("/granian", "/no-such-program"), ("UMask=", "UMusk=")],
)
def test_systemd_would_have_said_so(installed: Path, right: str, wrong: str) -> None:
    unit = installed / "plumbline-web.service"
    unit.write_text(unit.read_text().replace(right, wrong))

    assert "plumbline-web.service" in verify(installed)


def test_no_unit_runs_as_root_or_may_write_elsewhere() -> None:
    for unit in UNITS.glob("*.service"):
        lines = unit.read_text().splitlines()
        for line in ("User=plumbline", "NoNewPrivileges=yes", "ProtectSystem=strict", "UMask=0077"):
            assert line in lines, unit.name


def test_the_web_server_of_the_unit_answers_monitors_in_production_and_stops(transactional_db: None) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [port if word == "8000" else word for word in starts("plumbline-web.service")]
    assert port in command
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(**PRODUCTION), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )

    def ask(address: str, **headers: str) -> tuple[int, Any]:
        caller = http.client.HTTPConnection("127.0.0.1", int(port), timeout=PATIENCE_SECONDS)
        caller.request("GET", address, headers=headers)
        answer = caller.getresponse()
        return answer.status, answer.read()

    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                assert ask("/healthz") == (200, b"alive\n")
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.1)
        status, found = ask("/readyz")
        assert (status, json.loads(found)["reasons"]) == (200, [])
        assert b"plumbline_workers 0.0" in ask("/metrics")[1]
        assert ask("/metrics", **{"X-Forwarded-Proto": "https"})[0] == 403
        assert ask("/sign-in/")[0] == 301, "people go by TLS"
        assert ask("/sign-in/", **{"X-Forwarded-Proto": "https"})[0] == 200
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, output.decode()


def test_the_worker_of_the_unit_works(transactional_db: None) -> None:
    done = subprocess.run(
        [*starts("plumbline-worker@.service"), "--one-shot"],
        cwd=ROOT,
        env=environment(**PRODUCTION),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr


def test_the_backup_of_the_unit_is_one(transactional_db: None, tmp_path: Path) -> None:
    words = [
        str(tmp_path) if word.startswith("/var/lib") else word for word in starts("plumbline-backup.service")
    ]
    path = f"{embedded_postgres.programs()}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        words,
        cwd=ROOT,
        env=environment(PATH=path, **PRODUCTION),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert [one.suffix for one in tmp_path.iterdir()] == [".dump"]
