"""A form with lines: built, extended, validated and saved; what was typed survives a refusal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.forms import Form
from django.http import QueryDict

from commitments.errors import CommitmentLocked, CommitmentsRefused, EditConflict, NumberTaken
from commitments.forms import LineFormSet, lines_as_typed
from commitments.operations.form_values import WrittenLine
from commitments.views.responses import http_errors

FIELD_OF: dict[type[CommitmentsRefused], str] = {NumberTaken: "number", CommitmentLocked: "vendor"}
"""The field that shows a refusal; other refusals are shown above the form."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An error, for the list above the form: `anchor` is the id of the field it is about."""

    words: str
    anchor: str


@dataclass(slots=True)
class LinesForm:
    """A form and its formset of lines."""

    form: Any
    lines: LineFormSet
    kept_lines: tuple[WrittenLine, ...] | None = None
    """The current lines when they are locked; the lines that were sent are ignored then."""

    def problems(self) -> tuple[Problem, ...]:
        """All errors in the order of the page; empty for an unbound form."""
        if not self.form.is_bound:
            return ()
        first = self.form[next(iter(self.form.fields))].id_for_label
        found = [Problem(words, first) for words in self.form.non_field_errors()]
        found += _problems_of(self.form)
        if self.kept_lines is None:
            found += [Problem(str(words), "lines-heading") for words in self.lines.non_form_errors()]
            for row, form in enumerate(self.lines.forms, start=1):
                if form not in self.lines.deleted_forms:
                    found += _problems_of(form, f"Line {row}: ")
        return tuple(found)

    def written(self) -> Any:
        """The value that the operations take; None when the form is not valid."""
        lines_hold = self.kept_lines is not None or self.lines.is_valid()
        if not (self.form.is_bound and self.form.is_valid() and lines_hold):
            return None
        return self.form.written(self.lines.written() if self.kept_lines is None else self.kept_lines)


def lines_form_of(
    data: QueryDict | None,
    *,
    form: Callable[..., Form],
    initial: dict[str, Any],
    initial_lines: list[dict[str, Any]],
    line_options: dict[str, Any],
) -> LinesForm:
    """`form` makes the form from `data` or `initial`. "Add a line" validates nothing."""
    if data is None:
        return LinesForm(form(initial=initial), _lines(line_options, initial=initial_lines))
    if "add-line" not in data:
        return LinesForm(form(data=data, initial=initial), _lines(line_options, data=data))
    typed = {name: data.get(name, "") for name in form(initial=initial).fields}
    lines = _lines(line_options, initial=lines_as_typed(data))
    lines.extra = 1
    if lines.forms:
        lines.forms[-1].fields["description"].widget.attrs["autofocus"] = True
    return LinesForm(form(initial=initial | typed), lines)


def save(sheet: LinesForm, operation: Callable[[Any], Any]) -> Any:
    """Returns the operation's result; None when the form is not valid or the operation refused."""
    written = sheet.written()
    if written is None:
        return None
    try:
        with http_errors():
            return operation(written)
    except EditConflict as refusal:
        sheet.form.add_error(
            None,
            f"{refusal} Nothing was saved, and what you typed is still here. Look in another "
            "window at what it is now; saving again replaces it.",
        )
        sheet.form.data = sheet.form.data.copy()
        sheet.form.data["revision"] = str(refusal.revision)
    except CommitmentsRefused as refusal:
        sheet.form.add_error(FIELD_OF.get(type(refusal)), f"{refusal} Nothing was saved.")
    return None


def _lines(options: dict[str, Any], **more: Any) -> LineFormSet:
    return LineFormSet(prefix="lines", form_kwargs=options, **more)


def _problems_of(form: Form, before: str = "") -> list[Problem]:
    return [
        Problem(f"{before}{words}", form[name].id_for_label)
        for name, errors in form.errors.items()
        if name in form.fields
        for words in errors
    ]
