"""The virtual environment behind the front doors. Standard library only: it runs before anything is there.

There is one, `.venv`, filled from the hashed lock files: `runtime` for the demo, `dev`, a superset, for the
tests. What was installed is never taken away again, so the doors can be used in any order. The tests' second
lane, on a newer Python and the next Django, has an environment of its own, filled from `dev-django-6`.
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
from typing import NamedTuple, NoReturn

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"

OLDEST = (3, 11)


class Environment(NamedTuple):
    """A virtual environment: its folder, and the Python it is made with."""

    folder: Path
    base: str

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"


MAIN = Environment(ROOT / ".venv", sys.executable)
PYTHON = MAIN.python

SUPERSETS = {"runtime": ("runtime", "dev"), "dev": ("dev",), "dev-django-6": ("dev-django-6",)}
"""Lock file -> the lock files that hold all of it."""


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def give_up(words: str) -> NoReturn:
    say(words)
    raise SystemExit(1)


def enter(kind: str, arguments: list[str], environment: Environment = MAIN) -> NoReturn:
    """Becomes the environment's Python with `arguments`, in the project's folder."""
    ready(kind, environment)
    os.chdir(ROOT)
    os.execv(environment.python, [str(environment.python), *arguments])


def ready(kind: str, environment: Environment = MAIN) -> None:
    """Makes the environment hold what `requirements/<kind>.txt` names; at once where it does already.

    Ends the program with 1 and the words what to do where that cannot be.
    """
    if not _is_filled(kind, environment):
        with _alone():
            if not _is_filled(kind, environment):
                _make(environment)
                say(f"Installing requirements/{kind}.txt into {environment.folder.name} …")
                _install(REQUIREMENTS / f"{kind}.txt", environment)
                _stamp(kind, environment).write_text(_wanted(kind))


# --- what is there -------------------------------------------------------------------------------


def _stamp(kind: str, environment: Environment) -> Path:
    return environment.folder / f".filled-from-{kind}"


def _wanted(kind: str) -> str:
    return hashlib.sha256((REQUIREMENTS / f"{kind}.txt").read_bytes()).hexdigest()


def _is_filled(kind: str, environment: Environment) -> bool:
    """Whether the environment was filled from this very lock file, or from that of the superset."""
    stamps = {one: _stamp(one, environment) for one in SUPERSETS[kind]}
    return environment.python.exists() and any(
        stamp.exists() and stamp.read_text() == _wanted(one) for one, stamp in stamps.items()
    )


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Two doors opened at the same moment: the second waits for the first."""
    (ROOT / "var").mkdir(exist_ok=True)
    with (ROOT / "var" / "venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- making it -----------------------------------------------------------------------------------


def _make(environment: Environment) -> None:
    if _works(environment):
        return
    if environment.folder.exists():
        say(f"The Python of {environment.folder.name} does not work any more; it is made anew.")
        shutil.rmtree(environment.folder)
    try:
        import ensurepip  # noqa: F401  (Debian ships Python without it)
        import venv  # noqa: F401
    except ImportError:
        give_up(
            f"This Python ({sys.executable}) cannot make virtual environments. On Debian or Ubuntu type:\n"
            f"    apt-get install python3-venv\n"
            "and start this again."
        )
    done = subprocess.run([environment.base, "-m", "venv", str(environment.folder)], check=False)
    if done.returncode != 0:
        shutil.rmtree(environment.folder, ignore_errors=True)
        give_up(
            "The virtual environment could not be made. On Debian or Ubuntu this often helps:\n"
            "    apt-get install python3-venv"
        )


def _works(environment: Environment) -> bool:
    if not environment.python.exists():
        return False
    code = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    return _answers([str(environment.python), "-c", code])


def _install(lock_file: Path, environment: Environment) -> None:
    """With uv where it can be had, because it is fast; else with pip, which knows the machine's settings."""
    uv = _find_uv(environment)
    install = ["pip", "install", "--quiet", "--python", str(environment.python), *_from(lock_file)]
    if uv and _ran([*uv, *install]):
        return
    if uv:
        say("uv could not install everything; trying pip, which reads this machine's pip settings.")
    if not _pip_installs(lock_file, environment):
        give_up(
            f"The packages of {lock_file.relative_to(ROOT)} could not be installed; the reason is above.\n"
            "Behind a proxy or with a registry of your own, set pip up for it and start this again."
        )


def _find_uv(environment: Environment) -> list[str] | None:
    """The command to run uv: the machine's, or our own copy, fetched with pip."""
    own = str(environment.folder / "bin" / "uv")
    for command in (["uv"], [own]):
        if shutil.which(command[0]) and _answers([*command, "--version"]):
            return command
    return [own] if _pip_installs(REQUIREMENTS / "uv.txt", environment) else None


def _pip_installs(lock_file: Path, environment: Environment) -> bool:
    python = str(environment.python)
    pip = [python, "-m", "pip"]
    if not _answers([*pip, "--version"]):
        _ran([python, "-m", "ensurepip"])  # an environment that uv made has none
    return _ran([*pip, "--disable-pip-version-check", "install", "--quiet", *_from(lock_file)])


def _from(lock_file: Path) -> list[str]:
    return ["--require-hashes", "-r", str(lock_file)]


def _answers(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _ran(command: list[str]) -> bool:
    # `user = true` in somebody's pip settings is right for their own programs and wrong in an environment.
    environment = {**os.environ, "PIP_USER": "0"}
    return subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode == 0
