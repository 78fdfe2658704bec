"""What may be written about commitments and CCOs, and the sentence at the field where it may not.

What Sage would not take, as a number of 13 characters, is not refused here: a draft may hold it, and the
rules of sending say so when it is to be sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.forms.formsets import BaseFormSet
from django.forms.renderers import get_default_renderer

from commitments.models import (
    ChangeOrderLine,
    ChangeOrderStatus,
    Commitment,
    CommitmentChangeOrder,
    CommitmentLine,
)
from commitments.operations.form_values import WrittenChangeOrder, WrittenCommitment, WrittenLine
from companies.forms import CleanField
from companies.text import clean_lines, clean_number, plain_amount

MOST_LINES = 99
"""So that even the largest amounts together fit into a CCO's amount."""
MOST_IN_DESCRIPTION = 10_000
EMPTY_ROWS = 2
NOT_WHOLE = "The form did not arrive whole. Nothing was saved. Load the page again."

Choices = Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class LineChoices:
    """What a line may name: (id, words). Asked once for all lines of a form."""

    cost_codes: Choices
    cost_types: Choices
    commitment_lines: Choices = ()


class AmountField(forms.DecimalField):
    """Money with at most two places: `1250`, `-300.50`, and as accountants write it `(3,150.00)`."""

    widget = forms.TextInput

    def __init__(self, **options: Any) -> None:
        super().__init__(
            max_digits=12,
            decimal_places=2,
            error_messages={
                "required": "Enter the amount.",
                "invalid": "Write the amount as a number, like 1250.00 or -300.",
                "max_decimal_places": "Write the amount with at most two decimals. It is never rounded.",
                "max_digits": "The amount can be at most 9,999,999,999.99.",
                "max_whole_digits": "The amount can be at most 9,999,999,999.99.",
            },
            **options,
        )

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]  # as DecimalField itself
        if isinstance(value, str):
            try:
                value = plain_amount(value)
            except ValueError:
                raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None
        return super().to_python(value)


def _words(label: str, *, most: int, required: bool = True, **options: Any) -> CleanField:
    name = label.lower()
    return CleanField(
        label=label,
        required=required,
        error_messages={
            "required": f"Enter the {name}.",
            "max_length": f"The {name} can be at most {most:,} characters; this is %(show_value)d.",
            "null_characters_not_allowed": f"The {name} holds a character that cannot be kept. Type it anew.",
        },
        max_length=most,
        **options,
    )


def _choice(label: str, *, required: bool = True) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        coerce=int,
        empty_value=None,
        required=required,
        error_messages={
            "required": f"Choose the {label.lower()}.",
            "invalid_choice": f"Choose the {label.lower()} from the list.",
        },
    )


def _revision() -> forms.IntegerField:
    """Of the row that the form was made from; 0 for a new one. Without it the form did not arrive whole."""
    return forms.IntegerField(
        widget=forms.HiddenInput, error_messages={"required": NOT_WHOLE, "invalid": NOT_WHOLE}
    )


class CommitmentForm(forms.Form):
    number = _words("Number", most=30, clean_text=clean_number)
    title = _words("Title", most=200)
    vendor = _choice("Contract company")
    status = forms.ChoiceField(error_messages={"required": "Choose the status."})
    revision = _revision()

    def __init__(
        self, *args: Any, vendors: Choices, statuses: Sequence[tuple[str, str]], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        _offer(self, "vendor", vendors)
        _offer(self, "status", statuses, empty=False)

    def written(self, lines: tuple[WrittenLine, ...]) -> WrittenCommitment:
        cleaned = self.cleaned_data
        return WrittenCommitment(
            cleaned["number"], cleaned["title"], cleaned["vendor"], cleaned["status"], lines
        )


class ChangeOrderForm(forms.Form):
    number = _words("Number", most=30, clean_text=clean_number)
    title = _words("Title", most=200)
    description = _words(
        "Description",
        most=MOST_IN_DESCRIPTION,
        required=False,
        clean_text=clean_lines,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    revision = _revision()

    def written(self, lines: tuple[WrittenLine, ...]) -> WrittenChangeOrder:
        cleaned = self.cleaned_data
        return WrittenChangeOrder(cleaned["number"], cleaned["title"], cleaned["description"], lines)


class StatusForm(forms.Form):
    """Another business status of the CCO that the person saw."""

    status = forms.ChoiceField(choices=ChangeOrderStatus.choices)
    revision = forms.IntegerField(required=False)


class LineForm(forms.Form):
    line = forms.IntegerField(widget=forms.HiddenInput, required=False)
    description = _words("Description", most=200)
    cost_code = _choice("Cost code")
    cost_type = _choice("Cost type")
    commitment_line = _choice("Changes line", required=False)
    amount = AmountField()

    def __init__(self, *args: Any, choices: LineChoices, of_commitment: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self.use_required_attribute = False  # an empty row is no line
        _offer(self, "cost_code", choices.cost_codes)
        _offer(self, "cost_type", choices.cost_types)
        if of_commitment:
            del self.fields["commitment_line"]
        else:
            _offer(self, "commitment_line", choices.commitment_lines, empty="None: it adds a line")

    def written(self) -> WrittenLine:
        cleaned = self.cleaned_data
        return WrittenLine(
            cleaned["description"],
            cleaned["cost_code"],
            cleaned["cost_type"],
            cleaned["amount"],
            line_id=cleaned["line"],
            commitment_line_id=cleaned.get("commitment_line"),
        )


class LineFormSet(BaseFormSet[LineForm]):
    """Rows of lines. A new one that is empty is none, and so is one that is marked to be removed."""

    form = LineForm
    renderer = get_default_renderer()
    extra = EMPTY_ROWS
    min_num = 0
    max_num = MOST_LINES
    absolute_max = MOST_LINES + EMPTY_ROWS
    validate_min = False
    validate_max = True
    can_order = False
    can_delete = True
    can_delete_extra = True
    edit_only = False
    default_error_messages = {
        **BaseFormSet.default_error_messages,
        "too_many_forms": f"There can be at most {MOST_LINES} lines.",
        "missing_management_form": NOT_WHOLE,
    }

    def initial_form_count(self) -> int:
        """Each line says itself which one it was, so what arrives is judged row by row."""
        return 0 if self.is_bound else super().initial_form_count()

    def add_fields(self, form: LineForm, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields["DELETE"].label = "Remove"

    def written(self) -> tuple[WrittenLine, ...]:
        return tuple(
            form.written()
            for form in self.forms
            if form.has_changed() and not form.cleaned_data.get("DELETE") and form.cleaned_data
        )


def lines_as_typed(data: Any, *, prefix: str = "lines") -> list[dict[str, str]]:
    """The rows of a form that was sent, not judged yet, to be shown again with more of them."""
    try:
        count = min(int(data.get(f"{prefix}-TOTAL_FORMS", "0")), MOST_LINES)
    except ValueError:
        count = 0
    names = (*LineForm.base_fields, "DELETE")
    return [{name: data.get(f"{prefix}-{row}-{name}", "") for name in names} for row in range(count)]


def fields_of_lines(lines: Sequence[CommitmentLine | ChangeOrderLine]) -> list[dict[str, Any]]:
    return [
        {
            "line": line.pk,
            "description": line.description,
            "cost_code": line.cost_code_id,
            "cost_type": line.cost_type_id,
            "commitment_line": getattr(line, "commitment_line_id", None),
            "amount": line.amount,
        }
        for line in lines
    ]


def fields_of_commitment(commitment: Commitment) -> dict[str, Any]:
    return {
        "number": commitment.number,
        "title": commitment.title,
        "vendor": commitment.vendor_id,
        "status": commitment.status,
        "revision": commitment.revision,
    }


def fields_of_change_order(change_order: CommitmentChangeOrder) -> dict[str, Any]:
    return {
        "number": change_order.number,
        "title": change_order.title,
        "description": change_order.description,
        "revision": change_order.revision,
    }


def _offer(
    form: forms.Form, name: str, choices: Sequence[tuple[Any, str]], *, empty: bool | str = True
) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    words = "Choose…" if empty is True else empty
    field.choices = [("", words), *choices] if words else list(choices)
