"""A value of the environment that cannot be right stops the start and names itself."""

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config import env
from config.logging import logging_config
from tests.commands.terminal import ROOT, manage

KEY = base64.urlsafe_b64encode(bytes(32)).decode()
LONG = "x" * 40


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NAME", "NAME_FILE"):
        monkeypatch.delenv(name, raising=False)


READERS: dict[str, Any] = {
    "text": lambda: env.text("NAME"),
    "flag": lambda: env.flag("NAME"),
    "number": lambda: env.number("NAME", 10, least=1, most=120),
    "one_of": lambda: env.one_of("NAME", "console", ("console", "json")),
    "words": lambda: env.words("NAME", ["localhost"]),
    "secret": lambda: env.secret("NAME"),
    "secret_key": lambda: env.secret_key("NAME"),
    "field_keys": lambda: env.field_keys("NAME"),
    "database": lambda: env.database("NAME"),
    "email": lambda: env.email("NAME"),
    "email_address": lambda: env.email_address("NAME", "plumbline@localhost"),
    "site": lambda: env.site("NAME", "http://127.0.0.1:8000"),
    "networks": lambda: [str(network) for network in env.networks("NAME", ["127.0.0.1"])],
    "token": lambda: env.token("NAME"),
}

WRONG = [
    *(("flag", value) for value in ("maybe", "2", "truefalse", "ja")),
    *(("number", value) for value in ("ten", "0", "0.99", "121", "-5", "nan", "inf", "1e9", "1,5", "0x10")),
    *(("one_of", value) for value in ("JSON", "xml", "console,json")),
    *(("secret_key", value) for value in ("short", "x" * 31)),
    *(("field_keys", value) for value in ("nonsense", f"{KEY},nonsense", KEY[:-4], "é" * 44)),
    *(
        ("database", value)
        for value in (
            "mysql://a@b/c",
            "sqlite:///db.sqlite3",
            "postgresql://",
            "postgresql://host-without-database",
            "postgresql://a@b:notaport:5/c",
            "postgresql://a/b?nonsense=1",
            "host=a dbname=b",
        )
    ),
    *(("email", value) for value in ("console", "http://a", "smtp://", "smtp://host:port", "smtp:host")),
    *(
        ("networks", value)
        for value in ("anybody", "10.0.0.1/8", "10.0.0.0/33", "10.0.0", "10.0.0.1 10.0.0.2")
    ),
    *(("token", value) for value in ("short", "x" * 31, "x" * 20 + " " + "x" * 20, "é" * 40)),
    *(("email_address", value) for value in ("plumbline", "a@b@c", "a@b.c\nBcc: d@e.f", "A <a@b.c>")),
    *(
        ("site", value)
        for value in (
            "plumbline.example.com",
            "ftp://a",
            "https://",
            "https://a/path",
            "https://a?b",
            "https://a#b",
            "https://u:p@a",
            "https://a:port",
            "https://[a",
            "https://a b",
            "https://a\r\nb",
        )
    ),
]


@pytest.mark.parametrize(("reader", "value"), WRONG)
def test_a_wrong_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, reader: str, value: str) -> None:
    monkeypatch.setenv("NAME", value)

    with pytest.raises(env.WrongEnvironment, match="NAME"):
        READERS[reader]()


@pytest.mark.parametrize("reader", ["text", "secret", "secret_key", "field_keys", "database"])
@pytest.mark.parametrize("value", [None, "", "   "])
def test_what_must_be_set_and_is_not_is_named(
    monkeypatch: pytest.MonkeyPatch, reader: str, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv("NAME", value)

    with pytest.raises(env.WrongEnvironment, match="NAME"):
        READERS[reader]()


@pytest.mark.parametrize(
    ("reader", "value"), [r for r in WRONG if r[0] in ("secret_key", "field_keys", "database", "token")]
)
def test_a_refusal_never_repeats_a_secret(monkeypatch: pytest.MonkeyPatch, reader: str, value: str) -> None:
    monkeypatch.setenv("NAME", value)

    with pytest.raises(env.WrongEnvironment, match="NAME") as refused:
        READERS[reader]()

    assert value not in str(refused.value)


@pytest.mark.parametrize(
    ("reader", "value", "result"),
    [
        ("text", "  words ", "words"),
        ("flag", "ON", True),
        ("flag", "no", False),
        ("flag", "", False),
        ("number", "2.5", 2.5),
        ("number", "", 10.0),
        ("number", "1", 1.0),
        ("number", "120", 120.0),
        ("one_of", "json", "json"),
        ("one_of", "", "console"),
        ("words", " a, b ,,c ", ["a", "b", "c"]),
        ("words", "", ["localhost"]),
        ("email_address", "plumbline@example.com", "plumbline@example.com"),
        ("email_address", "", "plumbline@localhost"),
        ("site", "https://plumbline.example.com:8443/", "https://plumbline.example.com:8443"),
        ("site", "http://[::1]:8000", "http://[::1]:8000"),
        ("site", "", "http://127.0.0.1:8000"),
        ("networks", "", ["127.0.0.1/32"]),
        ("networks", "10.1.0.0/16, ::1", ["10.1.0.0/16", "::1/128"]),
        ("networks", "none", []),
        ("token", "", None),
        ("token", LONG, LONG),
        ("secret_key", LONG, LONG),
        ("field_keys", f"{KEY},\n{KEY}", [KEY, KEY]),
    ],
)
def test_a_right_value_is_read(
    monkeypatch: pytest.MonkeyPatch, reader: str, value: str, result: object
) -> None:
    monkeypatch.setenv("NAME", value)

    assert READERS[reader]() == result


def test_a_secret_may_be_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{LONG}\n")
    monkeypatch.setenv("NAME_FILE", str(file))
    assert env.secret_key("NAME") == LONG

    for content in ("", " \n"):
        file.write_text(content)
        with pytest.raises(env.WrongEnvironment, match="NAME_FILE names an empty file"):
            env.secret("NAME")
    for missing in (tmp_path / "not-there", tmp_path):
        monkeypatch.setenv("NAME_FILE", str(missing))
        with pytest.raises(env.WrongEnvironment, match="NAME_FILE names a file that cannot be read"):
            env.secret("NAME")


def test_a_database_address_is_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "postgres://u:p%40w@db.example:6432/books?sslmode=require")

    assert env.database("NAME") == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "books",
        "USER": "u",
        "PASSWORD": "p@w",
        "HOST": "db.example",
        "PORT": "6432",
        "OPTIONS": {"sslmode": "require"},
    }


@pytest.mark.parametrize(
    ("url", "starts_tls"), [("smtp://u:p@mail.example:587", True), ("smtp://localhost", False)]
)
def test_a_password_goes_to_the_mail_server_by_tls_only(
    monkeypatch: pytest.MonkeyPatch, url: str, *, starts_tls: bool
) -> None:
    monkeypatch.setenv("NAME", url)

    assert env.email("NAME")["EMAIL_USE_TLS"] is starts_tls


def test_mail_addresses_are_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "smtps://u:p%40w@mail.example")
    found = env.email("NAME")

    assert (found["EMAIL_HOST"], found["EMAIL_PORT"], found["EMAIL_USE_SSL"]) == ("mail.example", 465, True)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("u", "p@w")
    monkeypatch.delenv("NAME")
    assert env.email("NAME")["EMAIL_BACKEND"].endswith("console.EmailBackend")


# --- manage.py -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://a@b/c"),
        ("DATABASE_URL", "postgresql:///nobody?host=/nowhere/at/all"),
        ("SAGE_SECOND_LOOK_SECONDS", "10"),
    ],
)
def test_manage_exits_3_with_one_line_that_names_the_variable(db: None, name: str, value: str) -> None:
    ran = manage("load_demo", **{name: value})

    assert ran.code == 3
    [line] = ran.err.splitlines()
    assert name in line
    assert ran.out == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("FIELD_KEYS", "nonsense"),
        ("DEBUG", "maybe"),
        ("DEMO", "2"),
        ("SAGE_DEADLINE_SECONDS", "soon"),
        ("SAGE_LOGIN_TIMEOUT_SECONDS", "0"),
        ("SAGE_SECOND_LOOK_SECONDS", "-1"),
        ("LOG_FORMAT", "xml"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("EMAIL_URL", "pigeon:"),
        ("METRICS_ALLOW", "everybody"),
        ("METRICS_TOKEN", "short"),
        ("PROXIES", "many"),
    ],
)
def test_no_program_starts_with_a_wrong_value(name: str, value: str) -> None:
    """A web server or a worker loads the settings and nothing else first."""
    set_right = {"SECRET_KEY": LONG, "FIELD_KEYS": KEY, "DATABASE_URL": "postgresql:///books", "DEMO": "1"}
    done = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        cwd=ROOT,
        env={**set_right, name: value},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    last = done.stderr.splitlines()[-1]
    assert last.startswith("config.env.WrongEnvironment:")
    assert name in last


def test_every_variable_that_is_read_is_explained_in_the_example(db: None) -> None:
    read = re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", (ROOT / "config" / "settings.py").read_text())
    example = (ROOT / ".env.example").read_text()

    assert "DATABASE_URL" in read
    assert [name for name in read if not re.search(rf"^#?\s*{name}=", example, re.MULTILINE)] == []


def test_without_the_demo_cookies_travel_by_tls_only(db: None) -> None:
    ran = manage("diffsettings", "--output", "unified", DEMO="", DEBUG="", ALLOWED_HOSTS="books.example")

    assert ran.code == 0, ran.err
    for line in (
        "+ SESSION_COOKIE_SECURE = True",
        "+ CSRF_COOKIE_SECURE = True",
        "+ SECURE_SSL_REDIRECT = True",
        "+ SECURE_HSTS_SECONDS = 31536000",
        "+ ALLOWED_HOSTS = ['books.example']",
        "+ DEMO = False",
    ):
        assert line in ran.out


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"METRICS_ALLOW": "10.0.0.0/8,0.0.0.0/0", "PROXIES": "1"}, "plumbline.W003"),
        ({"METRICS_ALLOW": "::/0", "PROXIES": "1"}, "plumbline.W003"),
        ({"PROXIES": "0"}, "plumbline.W004"),
    ],
)
def test_a_setting_that_may_be_right_but_seldom_is_gets_a_warning_for_production(
    db: None, changes: dict[str, str], told: str
) -> None:
    production = {"DEMO": "", "SITE_URL": "https://books.example", "ALLOWED_HOSTS": "books.example"}

    ran = manage("check", "--deploy", **production, **changes)

    assert ran.code == 0, ran.err
    assert re.findall(r"plumbline\.\w+", ran.err) == [told]
    assert "HINT" in ran.err


# --- the log -------------------------------------------------------------------------------------

LOG_A_MISTAKE = """
import logging, logging.config, structlog
from config.logging import logging_config
logging.config.dictConfig(logging_config("{log_format}"))
def connect():
    password = "hush-" + "hush"
    raise RuntimeError("no answer")
try:
    connect()
except RuntimeError:
    logging.getLogger("django.request").exception("library_words")
    structlog.get_logger("erp_integrations").exception("our_words", link_id=7)
"""


def log_a_mistake(log_format: str) -> str:
    code = LOG_A_MISTAKE.format(log_format=log_format)
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stderr


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_in_the_log_holds_no_local_variables(log_format: str) -> None:
    logged = log_a_mistake(log_format)

    assert logged.count("RuntimeError: no answer") == 2
    assert "hush-hush" not in logged


def test_json_logs_are_one_object_per_line_with_their_traceback() -> None:
    lines = [json.loads(line) for line in log_a_mistake("json").splitlines()]

    assert [line["event"] for line in lines] == ["library_words", "our_words"]
    assert all("Traceback" in line["exception"] for line in lines)
    assert lines[1]["link_id"] == 7
    assert logging_config("json")["version"] == 1
