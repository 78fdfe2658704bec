"""Models, database rules and migrations agree; every model has constraints; templates hold no inline code."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, models
from django.template.loader import get_template

from tests.commands.terminal import ROOT

OURS = ("companies", "commitments", "erp_integrations")
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
MODELS = sorted(
    (model for label in OURS for model in apps.get_app_config(label).get_models()),
    key=lambda model: model._meta.label,
)
RULED_BY_A_FIELD = {"Company"}
"""Models whose rules are all on single fields: a unique slug."""


def test_no_migration_is_missing(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_database_holds_the_rules_in_the_files_and_applying_them_again_changes_nothing(db: None) -> None:
    files = [*ROOT.glob("*/models.sql"), *ROOT.glob("*/models/*.sql")]
    rules = "".join(file.read_text(encoding="utf-8") for file in files)
    checks = re.findall(r"ADD CONSTRAINT (\w+) CHECK", rules)
    before = _rules_in_the_database(checks)
    with connection.cursor() as cursor:
        cursor.execute(rules)

    assert _rules_in_the_database(checks) == before
    assert len(before) == len(re.findall(r"^CREATE |ADD CONSTRAINT ", rules, re.MULTILINE))


def _rules_in_the_database(checks: list[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname ~ %(ours)s
            UNION ALL
            SELECT pg_get_triggerdef(oid) FROM pg_trigger
            WHERE tgrelid::regclass::text ~ %(ours)s AND NOT tgisinternal
            UNION ALL
            SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
            WHERE conrelid::regclass::text ~ %(ours)s
              AND ((contype = 'f' AND confdeltype <> 'a') OR conname = ANY(%(checks)s))
            ORDER BY 1
            """,
            {"ours": f"^({'|'.join(OURS)})_", "checks": checks},
        )
        return [statement for [statement] in cursor.fetchall()]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_model_states_its_rules_to_the_database(model: type[models.Model]) -> None:
    assert model._meta.constraints or model.__name__ in RULED_BY_A_FIELD


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_money_is_decimal_and_times_are_aware(model: type[models.Model]) -> None:
    kinds = {type(field).__name__ for field in model._meta.get_fields()}

    assert "FloatField" not in kinds
    assert settings.USE_TZ


class _Watcher(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name == "style" or name.startswith(("on", "hx-on")):
                self.found.append(f"{name}=")
            if (value or "").strip().lower().startswith("javascript:"):
                self.found.append(f"{name}={value}")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_template_holds_no_inline_script_or_style(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    watcher = _Watcher()
    # What Django puts in is not markup of ours; its quotes would confuse the reader.
    watcher.feed(re.sub(r"{%.*?%}|{#.*?#}|{{.*?}}", "", text, flags=re.DOTALL))

    assert watcher.found == []
    assert "|safe" not in text
    assert "autoescape off" not in text
    for address in re.findall(r"(?:src|href|action)=\"(https?:[^\"]*|//[^\"]*)\"", text):
        pytest.fail(f"{template.name} names {address}")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_every_template_can_be_read_and_every_form_in_it_that_posts_has_its_token(template: Path) -> None:
    get_template(str(template.relative_to(ROOT / "templates")))
    for form in re.findall(r"<form\b.*?</form>", template.read_text(encoding="utf-8"), flags=re.DOTALL):
        if 'method="post"' in form:
            assert "{% csrf_token %}" in form, template.name
        else:
            assert "csrf_token" not in form, "a token does not belong into an address"
