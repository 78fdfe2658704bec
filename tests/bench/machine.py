"""On what a benchmark ran: without it a figure says nothing."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import django

from config import embedded_postgres


def machine() -> str:
    """The date, the machine and the versions, one line each."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    made_of = f"{os.cpu_count()} cores ({_processor()}), {_memory():.0f} GB"
    return "\n".join(
        (
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            f"{made_of}, {platform.platform()}, load {load}",
            f"Python {platform.python_version()}, Django {django.__version__}, {_postgres()}",
        )
    )


def _processor() -> str:
    told = _lines("/proc/cpuinfo", "model name")
    return told.partition(":")[2].strip() or platform.machine()


def _memory() -> float:
    told = _lines("/proc/meminfo", "MemTotal")
    return int(told.split()[1]) / 1024**2 if told else 0.0


def _lines(file: str, name: str) -> str:
    path = Path(file)
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line for line in lines if line.startswith(name)), "")


def _postgres() -> str:
    told = subprocess.run(
        [embedded_postgres.programs() / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    return told.stdout.strip()
