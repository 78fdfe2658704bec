"""Forms that parse query strings and POST data. Other parameters are ignored."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms

from companies.models import Level, Project
from companies.operations.change_levels import Levels
from companies.text import clean_line


class CleanField(forms.CharField):
    """Text without invisible characters; `clean_text` is a function of `companies.text`."""

    def __init__(self, *, clean_text: Callable[[str], str] = clean_line, **options: Any) -> None:
        super().__init__(strip=False, **options)
        self.clean_text = clean_text

    def to_python(self, value: Any) -> Any:
        typed = super().to_python(value)
        return self.clean_text(typed) if isinstance(typed, str) else typed


class PeopleForm(forms.Form):
    """Query parameters of the list: search and page. An invalid one is ignored."""

    q = forms.CharField(max_length=100, required=False)
    page = forms.IntegerField(min_value=1, max_value=1_000_000, required=False)

    def read(self) -> tuple[str, int]:
        self.full_clean()
        return self.cleaned_data.get("q") or "", self.cleaned_data.get("page") or 1


class ProjectsForm(forms.Form):
    """Query parameters of an entry's page: the projects that are shown. Parsed like `PeopleForm`."""

    project = forms.CharField(max_length=100, required=False)
    page = forms.IntegerField(min_value=1, max_value=1_000_000, required=False)

    def read(self) -> tuple[str, int]:
        self.full_clean()
        return self.cleaned_data.get("project") or "", self.cleaned_data.get("page") or 1


class LevelsForm(forms.Form):
    """A level for every company tool and each of these projects, with the fingerprint of the levels shown.

    Only the projects on the page have a field, because Django accepts 1,000 fields.
    """

    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, levels: Levels, projects: tuple[Project, ...], data: Any = None) -> None:
        super().__init__(data, initial={"seen": levels.fingerprint}, label_suffix="")
        self._tools = {f"company-{tool.value}": tool for tool in levels.company}
        self._projects = {f"project-{project.pk}": project.pk for project in projects}
        for name, tool in self._tools.items():
            self.fields[name] = _level_field(tool.label, levels.company[tool])
        for project in projects:
            label = f"Commitments in {project.name} ({project.number})"
            self.fields[f"project-{project.pk}"] = _level_field(label, levels.projects[project.pk])

    def wanted(self) -> Levels:
        return Levels(
            company={tool: self.cleaned_data[name] for name, tool in self._tools.items()},
            projects={project: self.cleaned_data[name] for name, project in self._projects.items()},
        )

    @staticmethod
    def named_in(data: Iterable[str]) -> set[int]:
        """The ids of the projects that have a field in the POST data."""
        names = (name.removeprefix("project-") for name in data if name.startswith("project-"))
        return {int(number) for number in names if number.isascii() and number.isdigit() and len(number) < 19}

    def level_fields(self) -> tuple[forms.BoundField, ...]:
        return tuple(self[name] for name in (*self._tools, *self._projects))


class RequestForm(forms.Form):
    """Why a person needs the privilege."""

    reason = forms.CharField(
        label="Why is it needed?",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why it is needed: support decides by that."},
    )


class DigestForm(forms.Form):
    subscribed = forms.BooleanField(label="Subscribe to ERP digest emails", required=False)


def _level_field(label: str, level: Level) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label, choices=Level.choices, coerce=lambda value: Level(int(value)), initial=level.value
    )
