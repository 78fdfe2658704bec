"""How money and time are written on the page, and the icons beside them.

What stands in every row of a list is markup made here: fifty rows of includes take longer than the database.
"""

import functools
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django import template
from django.utils import timezone
from django.utils.dates import MONTHS_3
from django.utils.html import format_html
from django.utils.safestring import SafeData, SafeString
from lucide.templatetags.lucide import lucide

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
def money_element(amount: Decimal | None) -> str:
    """As `money`; a negative one in parentheses for those who see it, with a word for the others."""
    if amount is not None and amount < 0:
        return format_html(
            '<span aria-hidden="true">{}</span><span class="visually-hidden">{}</span>',
            money(amount),
            spoken_money(amount),
        )
    return money(amount)


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
    words = f"{MONTHS_3[local.month].capitalize()} {local.day}"
    return words if local.year == timezone.localtime().year else f"{words}, {local.year}"


@register.filter
def exact(moment: datetime | None) -> str:
    """`Nov 20, 2026, 4:12:09 PM EST`, in the current time zone."""
    return "" if moment is None else _exact(timezone.localtime(moment))


def _exact(local: datetime) -> str:
    half = "AM" if local.hour < 12 else "PM"
    day = f"{MONTHS_3[local.month].capitalize()} {local.day}, {local.year}"
    return f"{day}, {local.hour % 12 or 12}:{local:%M:%S} {half} {local.tzname()}"


@register.filter
def time_element(moment: datetime | None, form: str = "") -> str:
    """How long ago, with the exact time on hover and for screen readers. `form`: `ago`, `day` or none."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    words = ago(moment) if form == "ago" else day(moment) if form == "day" else age(moment)
    return format_html(
        '<time datetime="{}" title="{}"><span aria-hidden="true">{}</span>'
        '<span class="visually-hidden">{}</span></time>',
        local.isoformat(),
        exact := _exact(local),
        words,
        exact,
    )


@register.simple_tag
@functools.cache
def icon(name: str, size: int = 24, css_class: str = "") -> SafeString:
    """An icon for the eye only, drawn once: the same in every row."""
    classes = {"class": css_class} if css_class else {}
    return SafeString(lucide(name, size=size, aria_hidden="true", **classes))  # our own icons, no one's input


@register.filter
def is_markup(value: object) -> bool:
    """Whether the value is markup of ours, already escaped, and not plain words."""
    return isinstance(value, SafeData)


@register.filter
def words(text: str) -> list[str]:
    """The words of a text, so that a template can hold a short list."""
    return text.split()
