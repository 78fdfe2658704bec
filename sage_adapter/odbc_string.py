"""Reading, checking and writing ODBC connection strings: `KEY=value;KEY={value with ; in it};`.

A value in braces may hold anything; a closing brace inside it is written twice (Microsoft: "SQLDriverConnect
Function", connection strings). Nothing here repeats a value in an error, since values are secrets.

Only keywords on the list are accepted: others make drivers load libraries, run statements, write files
or sign in as somebody else. Sources: Microsoft, "DSN and connection string keywords and attributes"; FreeTDS
User Guide, "ODBC connection attributes"; psqlODBC, "Configuration options"; SQLite ODBC, readme.
"""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path

from erp_integrations.ports import PartRefused, ServerParts

Pair = tuple[str, str]

LONGEST_APPLICATION_NAME = 30
"""Characters of `APP=` that FreeTDS sends; a longer one would not be the one that was approved."""

_NEEDS_BRACES = frozenset("[]{}(),;?*=!@'\"")


class KeywordRefused(ValueError):
    """A keyword, or what it says, is not accepted. `keyword` names it; the words never hold its value."""

    def __init__(self, keyword: str, why: str) -> None:
        super().__init__(f"The connection string's keyword {keyword} {why}")
        self.keyword = keyword
        self.why = why


class DriverNotKnown(KeywordRefused):
    """`DRIVER=` names no driver that Plumbline uses."""


class DriverKind(StrEnum):
    MICROSOFT = "microsoft"
    FREETDS = "freetds"
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


MICROSOFT_18 = "ODBC Driver 18 for SQL Server"
FREETDS = "FreeTDS"
OFFERED_DRIVERS = (MICROSOFT_18, FREETDS)
"""The drivers that a form offers."""

DRIVERS: dict[str, DriverKind] = {
    MICROSOFT_18: DriverKind.MICROSOFT,
    "ODBC Driver 17 for SQL Server": DriverKind.MICROSOFT,
    FREETDS: DriverKind.FREETDS,
    "SQLite3": DriverKind.SQLITE,
    "SQLite": DriverKind.SQLITE,
    "PostgreSQL Unicode": DriverKind.POSTGRESQL,
    "PostgreSQL ANSI": DriverKind.POSTGRESQL,
}
"""The names under which drivers are installed, and what each is. The last four serve the tests' servers."""

_MICROSOFT_LIBRARY = re.compile(r"libmsodbcsql[-.\w]*\.(so|dylib)[.\d]*")

_ANY = re.compile(r".*", re.DOTALL)
_NO = re.compile(r"no|false|0", re.IGNORECASE)
_YES_OR_NO = re.compile(r"yes|no|true|false|0|1", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,6}")

KEYWORDS: dict[str, re.Pattern[str]] = {
    "driver": _ANY,
    "server": _ANY,
    "servername": _ANY,
    "port": _NUMBER,
    "database": _ANY,
    "uid": _ANY,
    "pwd": _ANY,
    "app": re.compile(r".{0,30}"),
    "wsid": re.compile(r".{0,128}"),
    # Who is there, and whether the wire may be read
    "encrypt": re.compile(r"yes|no|true|false|optional|mandatory|strict", re.IGNORECASE),
    "encryption": re.compile(r"off|request|require", re.IGNORECASE),
    "trustservercertificate": _YES_OR_NO,
    "hostnameincertificate": _ANY,
    "servercertificate": _ANY,
    "sslmode": re.compile(r"disable|allow|prefer|require|verify-ca|verify-full", re.IGNORECASE),
    # How the wire is spoken
    "tds_version": re.compile(r"7\.[34]|8\.0|auto", re.IGNORECASE),
    "clientcharset": re.compile(r"utf-8", re.IGNORECASE),
    "applicationintent": re.compile(r"readonly|readwrite", re.IGNORECASE),
    "multisubnetfailover": _YES_OR_NO,
    "connectretrycount": _NUMBER,
    "connectretryinterval": _NUMBER,
    "keepalive": _NUMBER,
    "keepaliveinterval": _NUMBER,
    "logintimeout": _NUMBER,
    "timeout": _NUMBER,
    # Known, and of use only switched off: one question at a time, and never as whoever runs Plumbline.
    "mars_connection": _NO,
    "trusted_connection": _NO,
    # The drivers of the tests' servers
    "readonly": _YES_OR_NO,
    "usedeclarefetch": _YES_OR_NO,
    "fetch": _NUMBER,
    "protocol": re.compile(r"7\.4(-[012])?"),
    "nocreat": _YES_OR_NO,
}
"""Every keyword that is accepted, and what it may say."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


# --- reading ---------------------------------------------------------------------------------------


def parse(odbc_string: str) -> tuple[Pair, ...]:
    """The keywords and values, in their order, keywords as written.

    Raises `ValueError` in plain words where the string cannot be understood.
    """
    pairs: list[Pair] = []
    rest = odbc_string.lstrip()
    while rest:
        keyword, equals, rest = rest.partition("=")
        keyword = keyword.strip()
        if not equals:
            raise ValueError("The connection string has a part without an equals sign.")
        if not keyword or ";" in keyword:
            raise ValueError("The connection string has a part without a keyword and a value.")
        value, rest = _value(rest.lstrip())
        pairs.append((keyword, value))
        rest = rest.lstrip("; \t\r\n")
    return tuple(pairs)


def _value(text: str) -> Pair:
    if not text.startswith("{"):
        value, _, rest = text.partition(";")
        return value.strip(), rest
    value, at = "", 1
    while True:
        end = text.find("}", at)
        if end < 0:
            raise ValueError("The connection string opens a brace that it does not close.")
        value += text[at:end]
        if not text.startswith("}}", end):
            break
        value, at = value + "}", end + 2
    rest = text[end + 1 :].lstrip()
    if rest and not rest.startswith(";"):
        raise ValueError("The connection string goes on after a closing brace; double a brace that is meant.")
    return value, rest


def value_of(pairs: Iterable[Pair], *keywords: str) -> str:
    """The value of the first of `keywords` that is there, compared without case; empty when none is."""
    wanted = {keyword.casefold() for keyword in keywords}
    return next((value for keyword, value in pairs if keyword.casefold() in wanted), "")


def database_named_in(odbc_string: str) -> str:
    """The database that the string names with `DATABASE=`.

    Without it a server picks the login's default database, which somebody else may change; so it must be
    named. Raises `ValueError` in plain words when it is not, or is named twice, or the string is broken.
    """
    named = [value for keyword, value in parse(odbc_string) if keyword.casefold() == "database"]
    if not named or not named[0].strip():
        raise ValueError(
            "The connection string names no database. Add DATABASE= with the company's database."
        )
    if len(named) > 1:
        raise ValueError("The connection string names a database more than once.")
    return named[0].strip()


def server_of(pairs: Sequence[Pair]) -> str:
    """What tells this server from others: one server, one set of places. A file where there is none."""
    server = value_of(pairs, "SERVER", "Servername").removeprefix("tcp:")
    port = value_of(pairs, "PORT")
    named = f"{server},{port}" if port and "," not in server else server
    return (named.replace(" ", "") or value_of(pairs, "DATABASE")).casefold()


# --- checking --------------------------------------------------------------------------------------


def check(odbc_string: str) -> None:
    """Raises `ValueError` in plain words, naming the keyword that is not accepted."""
    checked(odbc_string)


def checked(odbc_string: str) -> tuple[Pair, ...]:
    """The keywords and values of a string that may reach a driver.

    Raises `KeywordRefused` for a keyword that is not on the list, says what it may not, or is there twice;
    `DriverNotKnown` for a driver that is not one of ours; `ValueError` for a string that is broken.
    """
    pairs = parse(odbc_string)
    seen: set[str] = set()
    for keyword, value in pairs:
        key = keyword.casefold()
        if key not in KEYWORDS:
            raise KeywordRefused(_shown(keyword), "is not one that Plumbline accepts.")
        if key in seen:
            raise KeywordRefused(keyword, "stands there twice.")
        seen.add(key)
        if _CONTROLS.search(value) or not KEYWORDS[key].fullmatch(value):
            raise KeywordRefused(keyword, _WHY.get(key, "has a value that Plumbline does not accept."))
    driver = value_of(pairs, "DRIVER")
    if "driver" in seen and kind_of(driver) is None:
        known = ", ".join(DRIVERS)
        raise DriverNotKnown("DRIVER", f"names no driver that Plumbline uses; known are {known}.")
    return pairs


_WHY = {
    "app": f"is longer than {LONGEST_APPLICATION_NAME} characters.",
    "trusted_connection": "may only be no: Plumbline signs in with a login of its own.",
    "mars_connection": "may only be no: Plumbline asks one question at a time.",
}


def _shown(keyword: str) -> str:
    """A keyword fit to be shown: what is not on the list may be a piece of a password."""
    return keyword if re.fullmatch(r"[A-Za-z][A-Za-z0-9_ ]{1,40}", keyword) else "that cannot be read"


def kind_of(driver: str) -> DriverKind | None:
    """What a driver is, by its name, or by the full path of Microsoft's library where it exists."""
    for name, kind in DRIVERS.items():
        if name.casefold() == driver.casefold():
            return kind
    path = Path(driver)
    if path.is_absolute() and _MICROSOFT_LIBRARY.fullmatch(path.name) and path.is_file():
        return DriverKind.MICROSOFT
    return None


def driver_of(pairs: Iterable[Pair]) -> str:
    """The driver that is named; empty where none is."""
    return value_of(pairs, "DRIVER")


def preferred_driver(installed: Iterable[str]) -> str | None:
    """The driver for a connection that names none: Microsoft's 18, else FreeTDS, else there is none."""
    known = {name.casefold(): name for name in installed}
    return known.get(MICROSOFT_18.casefold()) or known.get(FREETDS.casefold())


# --- writing ---------------------------------------------------------------------------------------


def render(pairs: Iterable[Pair]) -> str:
    """The string that `parse` reads back as `pairs`."""
    return "".join(f"{keyword}={_written(value)};" for keyword, value in pairs)


def render_for(kind: DriverKind | None, pairs: Iterable[Pair]) -> str:
    """The string that a driver of that kind reads back as `pairs`.

    psqlODBC (13.02, measured) reads braces around a password only, and takes others as part of the value.
    FreeTDS (1.3.17, measured) ends a braced value at the first brace with a semicolon behind it, and takes a
    doubled brace for two. Raises `KeywordRefused` for a value that FreeTDS cannot be told.
    """
    write = {DriverKind.POSTGRESQL: _for_psqlodbc, DriverKind.FREETDS: _for_the_reader_of_freetds}.get(
        kind or DriverKind.MICROSOFT, lambda _keyword, value: _written(value)
    )
    return "".join(f"{keyword}={write(keyword, value)};" for keyword, value in pairs)


def _for_psqlodbc(keyword: str, value: str) -> str:
    return _written(value) if keyword.casefold() in ("driver", "pwd") or ";" in value else value


def _for_the_reader_of_freetds(keyword: str, value: str) -> str:
    if _NEEDS_BRACES.isdisjoint(value) and value == value.strip():
        return value
    if "};" in value:
        raise KeywordRefused(keyword, "holds a closing brace before a semicolon, which FreeTDS cannot read.")
    return "{" + value + "}"


def _written(value: str) -> str:
    if _NEEDS_BRACES.isdisjoint(value) and value == value.strip():
        return value
    return "{" + value.replace("}", "}}") + "}"


def with_value(pairs: Iterable[Pair], keyword: str, value: str) -> tuple[Pair, ...]:
    """`pairs` with that one value for `keyword`, wherever it stood before."""
    kept = tuple(pair for pair in pairs if pair[0].casefold() != keyword.casefold())
    return (*kept, (keyword, value))


def without(pairs: Iterable[Pair], *keywords: str) -> tuple[Pair, ...]:
    """`pairs` without any value for `keywords`."""
    unwanted = {keyword.casefold() for keyword in keywords}
    return tuple(pair for pair in pairs if pair[0].casefold() not in unwanted)


def with_driver(pairs: Iterable[Pair], driver: str) -> tuple[Pair, ...]:
    """`pairs` for that driver."""
    return (("DRIVER", driver), *without(pairs, "DRIVER"))


def build(
    *,
    server: str,
    database: str,
    login: str,
    password: str,
    port: int | None = None,
    driver: str = "",
    encrypt: bool = True,
    trust_certificate: bool = False,
    certificate_host: str = "",
    application_name: str = "",
) -> str:
    r"""The connection string of those fields, with every value braced as needed.

    `server` is a host, or `host\instance` where the port is not fixed. Without `driver` the one that is
    installed is chosen when the connection opens. `encrypt` asks for an encrypted wire; `trust_certificate`
    takes any certificate (a self-signed one); `certificate_host` is the name in the certificate where it
    differs from `server`. Raises `KeywordRefused` for a value that is not accepted, `ValueError` where
    server, database or login are missing. A name of Sage's own programs is no application name of ours.
    """
    for what, value in (("server", server), ("database", database), ("login", login)):
        if not value.strip():
            raise ValueError(f"The {what} is missing.")
    given = [
        ("DRIVER", driver.strip()),
        ("SERVER", server.strip()),
        ("PORT", str(port or "")),
        ("DATABASE", database.strip()),
        ("UID", login.strip()),
        ("PWD", password),
        ("APP", application_name.strip()),
        ("Encrypt", "yes" if encrypt else "no"),
        ("TrustServerCertificate", "yes" if encrypt and trust_certificate else ""),
        ("HostnameInCertificate", certificate_host.strip()),
    ]
    if application_name.strip().casefold().startswith("sage"):
        raise KeywordRefused("APP", "is the name of one of Sage's own programs.")
    written = render(pair for pair in given if pair[1])
    pairs = checked(written)
    if kind_of(driver.strip()) is DriverKind.FREETDS:
        render_for(DriverKind.FREETDS, pairs)  # it cannot be told every value
    return written


# --- as the parts of a form ------------------------------------------------------------------------

_PART_OF = {
    "DRIVER": "driver",
    "SERVER": "server",
    "PORT": "port",
    "DATABASE": "database",
    "UID": "login",
    "PWD": "password",
    "APP": "application_name",
    "HostnameInCertificate": "certificate_host",
}
"""The keywords that `build` writes, and the part that each comes from."""

_ENCRYPTS = {"yes": True, "true": True, "mandatory": True, "require": True}
_ENCRYPTS |= {"no": False, "false": False, "optional": False, "off": False, "request": False}
_TRUSTS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}


def string_of(parts: ServerParts) -> str:
    """The connection string of those parts. Raises `PartRefused`, `ValueError` where one is missing."""
    try:
        return build(
            server=parts.server,
            port=parts.port,
            database=parts.database,
            driver=parts.driver,
            login=parts.login,
            password=parts.password,
            encrypt=parts.encrypt,
            trust_certificate=parts.trust_certificate,
            certificate_host=parts.certificate_host,
            application_name=parts.application_name,
        )
    except KeywordRefused as refused:
        raise PartRefused(_PART_OF[refused.keyword], f"This {refused.why}") from None


def parts_of(odbc_string: str) -> ServerParts:
    """The parts that a form can show, and the names of the keywords that it cannot.

    Raises `ValueError` in plain words where the string cannot be understood.
    """
    pairs = parse(odbc_string)
    host, comma, port = value_of(pairs, "SERVER").removeprefix("tcp:").partition(",")
    port = port.strip() if comma else value_of(pairs, "PORT")
    encrypt = _ENCRYPTS.get((value_of(pairs, "Encrypt", "Encryption") or "yes").casefold())
    trust = _TRUSTS.get(value_of(pairs, "TrustServerCertificate").casefold())
    shown = {keyword.casefold() for keyword in _PART_OF}
    shown |= {"encrypt", "encryption"} if encrypt is not None else set()
    shown |= {"trustservercertificate"} if trust is not None else set()
    return ServerParts(
        server=host.strip(),
        port=int(port) if _NUMBER.fullmatch(port) else None,
        database=value_of(pairs, "DATABASE"),
        driver=driver_of(pairs),
        login=value_of(pairs, "UID"),
        password=value_of(pairs, "PWD"),
        encrypt=encrypt is not False,
        trust_certificate=bool(trust) and encrypt is not False,
        certificate_host=value_of(pairs, "HostnameInCertificate"),
        application_name=value_of(pairs, "APP"),
        others=tuple(_shown(keyword) for keyword, _ in pairs if keyword.casefold() not in shown),
    )


# --- in the words of a driver ----------------------------------------------------------------------


def for_driver(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """`pairs` in the words of the SQL Server driver they name: the two differ in how they spell the same."""
    if kind_of(driver_of(pairs)) is DriverKind.FREETDS:
        return _for_freetds(pairs)
    return _for_microsoft(pairs)


def _for_microsoft(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """`PORT=` is no keyword of Microsoft's driver: it goes behind the host."""
    server, port = value_of(pairs, "SERVER", "Servername"), value_of(pairs, "PORT")
    pairs = without(pairs, "PORT", "Servername", "Encryption", "TDS_Version", "ClientCharset")
    named = server if not port or "," in server else f"{server},{port}"
    return with_value(pairs, "SERVER", named) if server else tuple(pairs)


_ENCRYPTION = {"yes": "require", "true": "require", "mandatory": "require", "strict": "require"}


def _for_freetds(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """FreeTDS has the port as a keyword, another word for encryption, and defaults of the last century."""
    server = value_of(pairs, "SERVER").removeprefix("tcp:")
    host, comma, port = server.partition(",")
    encrypt = value_of(pairs, "Encrypt").casefold()
    if comma:
        pairs = with_value(with_value(pairs, "SERVER", host.strip()), "PORT", port.strip())
    if encrypt and not value_of(pairs, "Encryption"):
        pairs = with_value(pairs, "Encryption", _ENCRYPTION.get(encrypt, "request"))
    pairs = without(pairs, "Encrypt", "TrustServerCertificate", "HostnameInCertificate", "ServerCertificate")
    for keyword, value in (("TDS_Version", "7.4"), ("ClientCharset", "UTF-8")):
        if not value_of(pairs, keyword):
            pairs = with_value(pairs, keyword, value)
    return tuple(pairs)
