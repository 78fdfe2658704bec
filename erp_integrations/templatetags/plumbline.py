"""Money, time, states, icons and disabled buttons as markup.

What stands in every row of a list is markup made here: fifty rows of includes take longer than the database.
"""

import functools
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django import template
from django.utils import timezone
from django.utils.dates import MONTHS_3
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeData, SafeString
from lucide.templatetags.lucide import lucide

from companies.view_models import MissingPrivilege, Page
from erp_integrations.view_models import Presence

register = template.Library()

WHO_GIVES_RIGHTS = "Company administrators give levels on tools; support gives Can Push to Accounting."

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
def icon(name: str, size: int = 24, css_class: str = "", *, label: str = "") -> SafeString:
    """An icon, drawn once: the same in every row. Without a `label` screen readers pass over it."""
    attributes = {"role": "img", "aria_label": label} if label else {"aria_hidden": "true"}
    if css_class:
        attributes["class"] = css_class
    return SafeString(lucide(name, size=size, **attributes))  # our own icons, no one's input


_ICONS_BY_LEVEL = {"success": "circle-check", "error": "octagon-x", "warning": "triangle-alert"}


@register.simple_tag
def message_icon(level: str) -> SafeString:
    """The icon of a message, by its level."""
    return icon(_ICONS_BY_LEVEL.get(level, "info"), 20, "message-icon")


@register.filter
def range_of(page: Page) -> str:
    """`1-50 of 128`, `1-50 of 10,000+`, `50 after the first 10,000 of 10,000+`; empty for an empty list."""
    if not page.total and not page.beyond:
        return ""
    of_total = f"of {page.total:,}" + ("+" if page.at_least else "")
    if page.beyond:
        return f"{page.shown} after the first {page.beyond:,} {of_total}"
    if page.last >= page.first:
        return f"{page.first:,}\N{EN DASH}{page.last:,} {of_total}"
    return f"0 {of_total}"


@register.simple_tag
def state_mark(tone: str, word: str) -> SafeString:
    """A state: a dot with a form of its own for each tone, and a word."""
    return format_html(
        '<span class="state state-{}"><span class="dot" aria-hidden="true"></span>{}</span>', tone, word
    )


@register.simple_tag
def presence_mark(presence: Presence) -> SafeString:
    """What Sage says now, how old that is, and what it means. app.js copies `data-says` to the row."""
    parts = [state_mark(presence.tone, presence.word)]
    if presence.checked_at:
        parts.append(format_html('<span class="checked-at"> · {}</span>', time_element(presence.checked_at)))
    if presence.next_step:
        parts.append(format_html('<span class="next-step">{}</span>', presence.next_step))
    if presence.drift:
        parts.append(format_html('<span class="drift">Changed: {}</span>', ", ".join(presence.drift)))
    return format_html(
        '<span data-says="{}">{}</span>',
        presence.key,
        format_html_join("", "{}", ((part,) for part in parts)),
    )


@register.simple_tag
def disabled_reasons(
    key: object,
    reasons: Iterable[str],
    action: str,
    *,
    of_rights: bool = False,
    privilege: MissingPrivilege | None = None,
) -> SafeString:
    """A "?" beside disabled buttons, and the reasons that it shows on hover and focus.

    The buttons name them with `aria-describedby="why-KEY"`. `of_rights` adds who gives rights, `privilege`
    the link to request it.
    """
    lines = format_html_join(" ", '<span class="reason">{}</span>', ((words,) for words in reasons))
    who_gives = format_html(' <span class="reason quiet">{}</span>', WHO_GIVES_RIGHTS) if of_rights else ""
    request: SafeString | str = ""
    if privilege:
        asked = privilege.requested_at
        request = format_html(
            '<span class="reason">{}<a href="{}">{}{}</a></span>',
            "Can Push to Accounting: " if asked else "",
            privilege.url,
            "Requested on " if asked else "Request Can Push to Accounting",
            time_element(asked, "day"),
        )
    return format_html(
        '<button type="button" class="reasons-sign" aria-label="Why not {action}?"'
        ' aria-describedby="why-{key}">?</button>'
        '<span class="reasons"><span id="why-{key}" role="tooltip">{lines}{who_gives}</span>{request}</span>',
        action=action,
        key=key,
        lines=lines,
        who_gives=who_gives,
        request=request,
    )


@register.simple_tag
def sort_head(label: str, url: str, direction: str, css_class: str = "") -> SafeString:
    """The head of a column that sorts. `direction`: `ascending`, `descending`, or empty when not in force."""
    sign = {"ascending": "↑", "descending": "↓"}.get(direction, "")
    return format_html(
        '<th scope="col"{}{}><a class="sort" href="{}">{}{}</a></th>',
        format_html(' class="{}"', css_class) if css_class else "",
        format_html(' aria-sort="{}"', direction) if sign else "",
        url,
        label,
        format_html('<span class="sort-sign" aria-hidden="true">{}</span>', sign) if sign else "",
    )


@register.filter
def as_list(value: object) -> list[object]:
    """A list of this one, for a template that loops over several; empty for None."""
    return [value] if value else []


@register.filter
def is_markup(value: object) -> bool:
    """Whether the value is markup of ours, already escaped, and not plain words."""
    return isinstance(value, SafeData)


@register.filter
def words(text: str) -> list[str]:
    """The words of a text, so that a template can hold a short list."""
    return text.split()
