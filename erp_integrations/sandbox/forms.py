"""A new change order, keyed into the practice company as an accountant would."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from erp_integrations.ports import ChangeOrderEntry, EntryLine, WriteRefused

FIRST_LINES, MOST_LINES = 3, 50


def _key(label: str, **more: Any) -> forms.CharField:
    """A number by which the practice company knows a record."""
    digits = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
    return forms.CharField(label=label, max_length=18, widget=digits, **more)


def _words(label: str, width: int, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=width, required=False, **more)


class EntryForm(forms.Form):
    """The header of window 6-4-1, its fields named as in `ports.ChangeOrderEntry`."""

    number = _words("Change #", 20)
    dated = forms.DateField(
        label="Date", initial=timezone.localdate, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    job_record_number = _key("Job")
    phase = _key("Phase", initial="0")
    description = _words("Description", 50)
    scope = _words("Scope", 1_000, widget=forms.Textarea({"rows": 3}))


class EntryLineForm(forms.Form):
    """One line of its grid, its fields named as in `ports.EntryLine`. A line may stay empty as a whole."""

    vendor_record_number = _key("Vendor", required=False)
    subcontract_record_number = _key("Subcontract", required=False)
    subcontract_line = _key("Subcontract line", required=False)
    sub_change_number = _words("Change #", 20)
    description = _words("Description", 50)
    cost_code = _key("Cost code")
    cost_type = _key("Cost type")
    amount = forms.DecimalField(label="Budget amount ($)", max_digits=12, decimal_places=2)


class _Lines(forms.BaseFormSet[EntryLineForm]):
    def initial_form_count(self) -> int:
        """None: a line that was typed before another was added may be emptied again."""
        return 0


_LineSet = forms.formset_factory(
    EntryLineForm, formset=_Lines, extra=FIRST_LINES, max_num=MOST_LINES, absolute_max=MOST_LINES
)


class NewChangeOrderForms:
    """Header and lines together."""

    def __init__(self, header: EntryForm, lines: "forms.BaseFormSet[EntryLineForm]") -> None:
        self.header = header
        self.lines = lines

    @classmethod
    def empty(cls) -> "NewChangeOrderForms":
        return cls(EntryForm(), _LineSet(prefix="lines"))

    @classmethod
    def sent(cls, data: QueryDict) -> "NewChangeOrderForms":
        return cls(EntryForm(data), _LineSet(data, prefix="lines"))

    @classmethod
    def with_another_line(cls, data: QueryDict) -> "NewChangeOrderForms":
        """What was typed, not judged yet, and one empty line more."""
        lines = _LineSet(data, prefix="lines")
        typed = [_typed(line, data) for line in lines]
        more = _LineSet(prefix="lines", initial=typed)
        more.extra = min(len(typed) + 1, MOST_LINES)
        header = EntryForm()
        return cls(EntryForm(initial=_typed(header, data)), more)

    def is_valid(self) -> bool:
        return all((self.header.is_valid(), self.lines.is_valid()))

    def entry(self) -> ChangeOrderEntry:
        """What was keyed in, once it is valid."""
        lines = tuple(EntryLine(**line.cleaned_data) for line in self._filled())
        return ChangeOrderEntry(**self.header.cleaned_data, lines=lines)

    def refuse(self, refused: WriteRefused) -> None:
        """Puts the words of the books at the field they are about."""
        lines = [self.header, *self._filled()]
        lines[refused.line].add_error(refused.field or None, str(refused))

    def _filled(self) -> Iterator[EntryLineForm]:
        return (line for line in self.lines if line.has_changed())


def _typed(form: forms.Form, data: QueryDict) -> dict[str, str]:
    return {name: data.get(form.add_prefix(name), "") for name in form.fields}
