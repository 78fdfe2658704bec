#!/usr/bin/env python3
"""Django's commands. Exits 3, with one line, where the environment is wrong.

Without any setting in the environment it works on the demo's data (`var/demo`).
"""

import os
import sys


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        import structlog
        from django.conf import settings
        from django.core.management import execute_from_command_line
        from django.db import OperationalError

        from config import dev_environment
        from config.embedded_postgres import NoEmbeddedPostgres
        from config.env import WrongEnvironment
    except ModuleNotFoundError as error:
        print(
            f"{error}. Run this as .venv/bin/python manage.py … (bin/demo or bin/test makes .venv).",
            file=sys.stderr,
        )
        return 3
    try:
        with dev_environment.for_commands():
            settings.INSTALLED_APPS  # noqa: B018  (reads the settings, so that what is wrong shows now)
            structlog.contextvars.bind_contextvars(operation=" ".join(sys.argv[1:2]))
            execute_from_command_line(sys.argv)
    except (WrongEnvironment, NoEmbeddedPostgres) as error:
        print(error, file=sys.stderr)
        return 3
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) is not None:
            raise
        reason = str(error).splitlines()[0]
        print(f"DATABASE_URL: the PostgreSQL server does not let us in: {reason}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
