"""How money and time are written on the page."""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django import template
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.safestring import SafeData

register = template.Library()

_CENT = Decimal("0.01")
_NOW = timedelta(seconds=5)
_UNITS = (
    (timedelta(minutes=1), timedelta(seconds=1), "s"),
    (timedelta(hours=1), timedelta(minutes=1), "min"),
    (timedelta(days=1), timedelta(hours=1), "h"),
    (timedelta(days=31), timedelta(days=1), "d"),
)
"""(below which age, counted in what, and its sign)"""


@register.filter
def money(amount: Decimal | None) -> str:
    """`12,400.00`, or `(3,150.00)` when negative: the accountant's minus. Empty for None."""
    if amount is None:
        return ""
    rounded = Decimal(amount).quantize(_CENT, rounding=ROUND_HALF_UP)
    return f"({-rounded:,.2f})" if rounded < 0 else f"{abs(rounded):,.2f}"


@register.filter
def spoken_money(amount: Decimal | None) -> str:
    """As `money`, with a word for the minus: screen readers pass over parentheses."""
    shown = money(amount)
    return f"minus {shown[1:-1]}" if shown.startswith("(") else shown


@register.filter
def thousands(count: int) -> str:
    """`1,280`."""
    return f"{count:,}"


@register.filter
def age(moment: datetime | None) -> str:
    """How long ago, in one word: `now`, `20 s`, `2 min`, `3 h`, `5 d`; after a month the date."""
    if moment is None:
        return ""
    passed = timezone.now() - moment
    if passed < _NOW:
        return "now"
    for limit, unit, sign in _UNITS:
        if passed < limit:
            return f"{passed // unit} {sign}"
    return day(moment)


@register.filter
def ago(moment: datetime | None) -> str:
    """`age` as the end of a sentence: `just now`, `2 min ago`, `on Nov 3`."""
    short = age(moment)
    if moment is None or not short:
        return ""
    if short == "now":
        return "just now"
    return f"on {short}" if short == day(moment) else f"{short} ago"


@register.filter
def day(moment: datetime | None) -> str:
    """`Nov 3`, with the year when it is another one, in the current time zone."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    return format_date(local, "M j" if local.year == timezone.localtime().year else "M j, Y")


@register.filter
def exact(moment: datetime | None) -> str:
    """`Nov 20, 2026, 4:12:09 PM EST`, in the current time zone."""
    return "" if moment is None else format_date(timezone.localtime(moment), "M j, Y, g:i:s A T")


@register.filter
def is_markup(value: object) -> bool:
    """Whether the value is markup of ours, already escaped, and not plain words."""
    return isinstance(value, SafeData)


@register.filter
def words(text: str) -> list[str]:
    """The words of a text, so that a template can hold a short list."""
    return text.split()
