"""What may come in by address or form. Whatever else is sent is not looked at."""

from collections.abc import Iterable, Iterator
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from erp_integrations.ports import ChangeOrderEntry, EntryLine, WriteRefused
from erp_integrations.queries.change_orders import VIEWS, Asked
from erp_integrations.queries.tied import LABELS, AskedOfTied
from erp_integrations.registry import WRITERS


class AskedForm(forms.Form):
    """The list's address: view, search and page."""

    view = forms.ChoiceField(choices=[(key, label) for key, (label, _) in VIEWS.items()], required=False)
    q = forms.CharField(max_length=100, required=False)
    after = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    before = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)

    def asked(self) -> Asked:
        """What was asked for; a part that cannot be right counts as not asked."""
        self.full_clean()
        cleaned: dict[str, Any] = self.cleaned_data
        return Asked(
            view=cleaned.get("view") or "synced",
            q=cleaned.get("q") or "",
            after=cleaned.get("after"),
            before=cleaned.get("before"),
        )


class AskedOfTiedForm(forms.Form):
    """The address of a list of what is tied: view, search and page."""

    view = forms.ChoiceField(choices=list(LABELS.items()), required=False)
    q = forms.CharField(max_length=100, required=False)
    after = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    before = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)

    def asked(self) -> AskedOfTied:
        """As `AskedForm.asked`."""
        self.full_clean()
        cleaned: dict[str, Any] = self.cleaned_data
        return AskedOfTied(
            view=cleaned.get("view") or "",
            q=cleaned.get("q") or "",
            after=cleaned.get("after"),
            before=cleaned.get("before"),
        )


class AcceptForm(forms.Form):
    """Which database somebody accepts, as it was shown, and why."""

    incarnation = forms.CharField(max_length=500)
    reason = forms.CharField(max_length=200)


# --- a CCO on its way through accounting ---------------------------------------------------------


class ExportForm(forms.Form):
    """How a CCO is to go to the ERP. Whether the change number is right is for the rules to say."""

    erp_number = forms.CharField(
        label="Sage change number",
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text="The number the change order gets in Sage. At most 20 characters.",
    )
    writer = forms.ChoiceField(label="How it gets into Sage")
    token = forms.CharField(required=False, widget=forms.HiddenInput)
    same_amount_is_another = forms.BooleanField(
        label="It is another change order: export it all the same", required=False
    )

    def __init__(self, *args: Any, writers: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(name, WRITERS[name][1]) for name in writers]
        field = self.fields["writer"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        if len(choices) == 1:
            field.widget = forms.HiddenInput()


class ReasonForm(forms.Form):
    """Why a CCO goes back to the project team."""

    reason = forms.CharField(
        label="Reason",
        max_length=2000,
        widget=forms.Textarea({"rows": 4}),
        help_text="The project team reads it, and corrects the CCO by it.",
        error_messages={"required": "Say why: the project team needs the reason to correct it."},
    )


class RecordForm(forms.Form):
    """A record in the ERP, by its number."""

    record_number = forms.RegexField(
        r"^[0-9]{1,18}$",
        label="Sage record number",
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={
            "required": "Enter the record number as Sage shows it.",
            "invalid": "A record number in Sage is digits only, at most 18.",
        },
    )


# --- a new change order, keyed into the practice company -----------------------------------------

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
