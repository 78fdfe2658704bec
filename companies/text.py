"""Text as people type and paste it: cleaned at entry, compared without invisible differences.

Plain Python, so that the Sage code and the port use the same rules as the forms. Numbers that differ only in
invisible characters, or in the kind of dash, are the same number to a person.
"""

import re
import unicodedata
from decimal import Decimal, InvalidOperation

_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_AMOUNT = re.compile(r"-?([0-9]+|[0-9]{1,3}([, ][0-9]{3})+)?(\.[0-9]+)?")
_RECORD_NUMBER = re.compile(r"[0-9]+|[0-9]{1,3}([, ][0-9]{3})+")
_NO_WIDTH = "\u00ad\u200b\u2060\ufeff"
"""Soft hyphen, zero width space, word joiner, byte order mark."""
_COST_CODE_PLACES = Decimal("0.001")


def clean_line(text: str) -> str:
    """One line of prose: no zero-width characters, every run of spaces as one blank, stripped.

    Compatibility forms stay, since `m²` is not `m2` in a title.
    """
    composed = unicodedata.normalize("NFC", text)
    return re.sub(" +", " ", "".join(map(_in_prose, composed))).strip()


def clean_lines(text: str) -> str:
    """Prose of several lines: each line cleaned as by `clean_line`. Blanks at the start of a line stay."""
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = ("".join(map(_in_prose, line)).rstrip() for line in composed.split("\n"))
    return "\n".join(lines).strip("\n")


def clean_number(text: str) -> str:
    """A number or code: as `clean_line`, with compatibility forms folded and every dash as a hyphen.

    Direction marks and joiners, which prose keeps, are removed.
    """
    visible = "".join(map(_in_number, unicodedata.normalize("NFKC", text)))
    return _DASHES.sub("-", clean_line(visible))


def comparison_key(number: str) -> str:
    """Equal for two numbers that are the same to a person, whatever their case."""
    return clean_number(number).casefold()


def is_same_number(one: str, other: str) -> bool:
    return comparison_key(one) == comparison_key(other)


def is_same_text(one: str, other: str) -> bool:
    """Whether two texts are equal without regard to blanks, line ends, invisible characters and case."""
    return " ".join(clean_lines(one).split()).casefold() == " ".join(clean_lines(other).split()).casefold()


def plain_amount(text: str) -> str:
    """A typed or pasted amount in the form that `Decimal` reads: `$4,200.00`, `(300)`, `4 200`.

    Raises `ValueError` when the text is no amount. An empty text stays empty.
    """
    plain = clean_number(text)
    if plain.startswith("(") and plain.endswith(")"):
        plain = f"-{plain[1:-1].strip()}"
    if not plain:
        return ""
    plain = re.sub(r"\$ ?", "", plain, count=1)
    if not _AMOUNT.fullmatch(plain) or not re.search("[0-9]", plain):
        raise ValueError(text)
    return plain.replace(",", "").replace(" ", "")


def plain_record_number(text: str) -> str:
    """A record number without thousands separators: `1,300` is record 1300.

    Any other text is cleaned by `clean_number`.
    """
    plain = clean_number(text)
    return re.sub("[, ]", "", plain).lstrip("0") or "0" if _RECORD_NUMBER.fullmatch(plain) else plain


def plain_cost_code(code: str) -> str:
    """A cost code in the format of Sage's column `decimal(15,3)`: `3310` is `3310.000`.

    Any other text is cleaned by `clean_number`.
    """
    plain = clean_number(code)
    try:
        number = Decimal(plain)
    except InvalidOperation:
        return plain
    if not number.is_finite() or number != number.quantize(_COST_CODE_PLACES):
        return plain
    return f"{number:.3f}"


def _in_prose(sign: str) -> str:
    """Direction marks and joiners stay, because Arabic words and emoji need them."""
    if sign in _NO_WIDTH:
        return ""
    if sign in "\t\n\r" or unicodedata.category(sign) in ("Zs", "Zl", "Zp"):
        return " "
    # A NUL stays for the forms to refuse, because typed text never holds one.
    return "" if unicodedata.category(sign) == "Cc" and sign != "\0" else sign


def _in_number(sign: str) -> str:
    return "" if unicodedata.category(sign) == "Cf" else sign
