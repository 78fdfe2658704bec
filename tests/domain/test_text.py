"""What people type and paste, as it is kept and compared."""

import re

import pytest

from companies import text

ZERO_WIDTH = "\u200b"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (f"CO-X1{ZERO_WIDTH}", "CO-X1"),
        ("CO\u2011X1", "CO-X1"),  # a no-break hyphen
        ("CO\u2013X1", "CO-X1"),  # an en dash
        ("CO\u2212X1", "CO-X1"),  # a minus sign
        ("0X9\n1", "0X9 1"),
        (" 14\u00a05 ", "14 5"),  # a no-break space
        ("\uff11\uff14-\uff15", "14-5"),  # full-width digits
        ("\ufeff001", "001"),  # a byte order mark
        ("A\t 1", "A 1"),
        ("Nº 5", "No 5"),
    ],
)
def test_a_number_is_kept_without_signs_that_are_not_seen(typed: str, kept: str) -> None:
    assert text.clean_number(typed) == kept
    assert text.is_same_number(typed, kept.lower())


@pytest.mark.parametrize("typed", ["", " ", ZERO_WIDTH, "\u00a0\u2003\n"])
def test_what_shows_nothing_is_nothing(typed: str) -> None:
    assert text.clean_number(typed) == text.clean_line(typed) == text.clean_lines(typed) == ""


def test_a_title_keeps_compatibility_forms_and_dashes() -> None:
    assert text.clean_line(f" 20 m²\u00a0\u2013\u00a0slab{ZERO_WIDTH} ") == "20 m² \u2013 slab"


def test_a_description_keeps_its_lines_and_their_indentation() -> None:
    assert text.clean_lines("\r\na \r\n  - b\u200b\r\n\r\nc\n") == "a\n  - b\n\nc"


def test_texts_are_the_same_whatever_their_line_ends_and_blanks() -> None:
    assert text.is_same_text("Pour slab\r\nlevel 2 ", "pour  slab\nLevel 2")
    assert not text.is_same_text("Pour slab", "Pour slabs")


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("$4,200.00", "4200.00"),
        ("4200", "4200"),
        ("(3,150.00)", "-3150.00"),
        ("\u221225.50", "-25.50"),
        ("\u00a01\u00a0200\u200b", "1200"),
        ("-$5", "-5"),
        ("$ 5", "5"),
        ("", ""),
    ],
)
def test_an_amount_is_read_as_it_is_written_and_pasted(typed: str, plain: str) -> None:
    assert text.plain_amount(typed) == plain


@pytest.mark.parametrize("typed", ["1,30", "abc", "1.2.3", "$", "--1", "1,2000", "()", "1e5", "NaN", "1 00"])
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=re.escape(typed)):
        text.plain_amount(typed)


@pytest.mark.parametrize(
    ("typed", "plain"),
    [("1,300", "1300"), (" 704 ", "704"), ("0704", "704"), ("13,00", "13,00"), ("A1", "A1")],
)
def test_a_record_number_has_no_separators(typed: str, plain: str) -> None:
    assert text.plain_record_number(typed) == plain


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("3310", "3310.000"),
        ("3310.000", "3310.000"),
        ("3310.5", "3310.500"),
        ("3310.0005", "3310.0005"),
        ("03-310", "03-310"),
        ("NaN", "NaN"),
    ],
)
def test_a_cost_code_has_one_spelling(typed: str, plain: str) -> None:
    assert text.plain_cost_code(typed) == plain
