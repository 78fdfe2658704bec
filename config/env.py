"""Typed readers of environment variables. Each raises `WrongEnvironment` for an invalid value."""

import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg.conninfo
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

MAIL_SERVER_SECONDS = 20
"""Time limit for an answer of the mail server."""


class Secret(str):
    """A string whose `repr` is masked, so that `manage.py diffsettings` does not print it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'********'"


class WrongEnvironment(ImproperlyConfigured):
    """An environment variable is missing or invalid. The text names it and the values it takes."""


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise WrongEnvironment(f"{name} is not set. See .env.example for what it means.")
    return default


def flag(name: str, *, default: bool = False) -> bool:
    value = text(name, "").lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise WrongEnvironment(f"{name} must be one of 1, true, yes, on, 0, false, no, off; it is {value!r}.")


def number(name: str, default: float, *, least: float, most: float) -> float:
    """A number from `least` to `most`, both included."""
    value = text(name, str(default))
    try:
        result = float(value)
    except ValueError:
        result = float("nan")
    if not least <= result <= most:
        raise WrongEnvironment(f"{name} must be a number from {least:g} to {most:g}; it is {value!r}.")
    return result


def one_of(name: str, default: str, choices: Sequence[str]) -> str:
    value = text(name, default)
    if value not in choices:
        raise WrongEnvironment(f"{name} must be one of {', '.join(choices)}; it is {value!r}.")
    return value


def words(name: str, default: Sequence[str] = ()) -> list[str]:
    """Values separated by commas."""
    value = text(name, "")
    return [word.strip() for word in value.split(",") if word.strip()] if value else list(default)


def networks(name: str, default: Sequence[str] = ()) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Addresses and networks (10.0.0.0/8), separated by commas; `none` for an empty list."""
    found = []
    for word in words(name, default):
        if word == "none":
            continue
        try:
            found.append(ipaddress.ip_network(word))
        except ValueError:
            raise WrongEnvironment(
                f"{name} must be addresses or networks like 10.1.2.3 or 10.1.0.0/16; {word!r} is none."
            ) from None
    return found


def secret(name: str) -> Secret:
    """The value of NAME, or the content of the file that NAME_FILE names."""
    file = text(f"{name}_FILE", "")
    if not file:
        if not os.environ.get(name, "").strip():
            raise WrongEnvironment(f"Neither {name} nor {name}_FILE is set. See .env.example.")
        return Secret(text(name))
    try:
        value = Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise WrongEnvironment(f"{name}_FILE names a file that cannot be read: {error.strerror}.") from None
    if not value:
        raise WrongEnvironment(f"{name}_FILE names an empty file.")
    return Secret(value)


def secret_key(name: str) -> Secret:
    value = secret(name)
    if len(value) < 32:
        raise WrongEnvironment(f"{name} must have at least 32 characters.")
    return value


def token(name: str) -> Secret | None:
    """An optional secret of at least 32 ASCII characters."""
    if not (text(name, "") or text(f"{name}_FILE", "")):
        return None
    value = secret_key(name)
    if not value.isascii() or any(sign.isspace() for sign in value):
        raise WrongEnvironment(f"{name} may hold letters, digits and signs, and no blanks.")
    return value


def field_keys(name: str) -> list[Secret]:
    """Fernet keys, newest first, separated by commas or line ends."""
    keys = [Secret(key) for key in secret(name).replace(",", "\n").split()]
    for position, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise WrongEnvironment(
                f"{name}: key {position} is not a Fernet key (32 bytes, url-safe base64)."
            ) from None
    return keys


def database(name: str) -> dict[str, Any]:
    """An entry of Django's DATABASES for the `postgresql://` URL in NAME."""
    url = text(name)
    if not url.startswith(("postgresql://", "postgres://")):
        raise WrongEnvironment(f"{name} must begin with postgresql://")
    try:
        parts = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise WrongEnvironment(
            f"{name} is not a PostgreSQL address (postgresql://USER:PASSWORD@HOST:PORT/DATABASE)."
        ) from None
    if not parts.get("dbname"):
        raise WrongEnvironment(f"{name} names no database.")
    if not all(port.isdigit() for port in str(parts.get("port") or "0").split(",")):
        raise WrongEnvironment(f"{name} has a port that is not a number.")
    known = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    settings = {django: str(parts.pop(libpq, "") or "") for libpq, django in known.items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **settings,
        "PASSWORD": Secret(settings["PASSWORD"]),
        "OPTIONS": parts,
    }


def email(name: str) -> dict[str, Any]:
    """Django's e-mail settings: `console:`, or `smtp://USER:PASSWORD@HOST:PORT` (`smtps:` for TLS)."""
    url = text(name, "console:")
    if url == "console:":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or port == -1:
        raise WrongEnvironment(f"{name} must be console: or smtp://USER:PASSWORD@HOST:PORT")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or (465 if parts.scheme == "smtps" else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": Secret(unquote(parts.password or "")),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and bool(parts.username),  # no password in the clear
        "EMAIL_TIMEOUT": MAIL_SERVER_SECONDS,
    }


def email_address(name: str, default: str) -> str:
    value = text(name, default)
    try:
        validate_email(value)
    except ValidationError:
        raise WrongEnvironment(f"{name} must be an e-mail address; it is {value!r}.") from None
    return value


def site(name: str, default: str) -> str:
    """The address of a site: scheme, host and an optional port, without a path."""
    value = text(name, default).rstrip("/")
    try:
        parts = urlsplit(value)
        whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if not whole or value != f"{parts.scheme}://{parts.netloc}" or "@" in value or " " in value:
        raise WrongEnvironment(
            f"{name} must be an address like https://plumbline.example.com; it is {value!r}."
        )
    return value
