"""The virtual environment behind the front doors. Standard library only: it runs before anything is there.

There is one, `.venv`, filled from the hashed lock files: `runtime` for the demo, `dev`, a superset, for the
tests. What was installed is never taken away again, so the doors can be used in any order.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements"

OLDEST = (3, 11)


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def give_up(words: str) -> NoReturn:
    say(words)
    raise SystemExit(1)


def enter(kind: str, arguments: list[str]) -> NoReturn:
    """Becomes the environment's Python with `arguments`, in the project's folder."""
    ready(kind)
    os.chdir(ROOT)
    os.execv(PYTHON, [str(PYTHON), *arguments])


def ready(kind: str) -> None:
    """Makes `.venv` hold what `requirements/<kind>.txt` names; at once where it does already.

    Ends the program with 1 and the words what to do where that cannot be.
    """
    if not _is_filled(kind):
        with _alone():
            if not _is_filled(kind):
                _make()
                say(f"Installing requirements/{kind}.txt into .venv …")
                _install(REQUIREMENTS / f"{kind}.txt")
                _stamp(kind).write_text(_wanted(kind))


# --- what is there -------------------------------------------------------------------------------


def _stamp(kind: str) -> Path:
    return VENV / f".filled-from-{kind}"


def _wanted(kind: str) -> str:
    return hashlib.sha256((REQUIREMENTS / f"{kind}.txt").read_bytes()).hexdigest()


def _is_filled(kind: str) -> bool:
    """Whether the environment was filled from this very lock file, or from that of the superset."""
    kinds = {"runtime": ("runtime", "dev"), "dev": ("dev",)}[kind]
    return PYTHON.exists() and any(
        _stamp(one).exists() and _stamp(one).read_text() == _wanted(one) for one in kinds
    )


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Two doors opened at the same moment: the second waits for the first."""
    (ROOT / "var").mkdir(exist_ok=True)
    with (ROOT / "var" / "venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- making it -----------------------------------------------------------------------------------


def _make() -> None:
    if _works():
        return
    if VENV.exists():
        say("The Python of .venv does not work any more; .venv is made anew.")
        shutil.rmtree(VENV)
    try:
        import ensurepip  # noqa: F401  (Debian ships Python without it)
        import venv  # noqa: F401
    except ImportError:
        give_up(
            f"This Python ({sys.executable}) cannot make virtual environments. On Debian or Ubuntu type:\n"
            f"    apt-get install python3-venv\n"
            "and start this again."
        )
    done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False)
    if done.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        give_up(
            "The virtual environment could not be made. On Debian or Ubuntu this often helps:\n"
            "    apt-get install python3-venv"
        )


def _works() -> bool:
    if not PYTHON.exists():
        return False
    code = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    return subprocess.run([str(PYTHON), "-c", code], capture_output=True, check=False).returncode == 0


def _install(lock_file: Path) -> None:
    """With uv where it can be had, because it is fast; else with pip, which knows the machine's settings."""
    uv = _find_uv()
    if uv and _ran([*uv, "pip", "install", "--quiet", "--python", str(PYTHON), *_from(lock_file)]):
        return
    if uv:
        say("uv could not install everything; trying pip, which reads this machine's pip settings.")
    if not _pip_installs(lock_file):
        give_up(
            f"The packages of {lock_file.relative_to(ROOT)} could not be installed; the reason is above.\n"
            "Behind a proxy or with a registry of your own, set pip up for it and start this again."
        )


def _find_uv() -> list[str] | None:
    """The command to run uv: the machine's, or our own copy, fetched with pip."""
    for command in (["uv"], [str(VENV / "bin" / "uv")]):
        if shutil.which(command[0]) and _answers([*command, "--version"]):
            return command
    if _pip_installs(REQUIREMENTS / "uv.txt"):
        return [str(VENV / "bin" / "uv")]
    return None


def _pip_installs(lock_file: Path) -> bool:
    pip = [str(PYTHON), "-m", "pip"]
    if not _answers([*pip, "--version"]):
        _ran([str(PYTHON), "-m", "ensurepip"])  # an environment that uv made has none
    return _ran([*pip, "--disable-pip-version-check", "install", "--quiet", *_from(lock_file)])


def _from(lock_file: Path) -> list[str]:
    return ["--require-hashes", "-r", str(lock_file)]


def _answers(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _ran(command: list[str]) -> bool:
    # `user = true` in somebody's pip settings is right for their own programs and wrong in an environment.
    environment = {**os.environ, "PIP_USER": "0"}
    return subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode == 0
