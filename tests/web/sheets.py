"""Filling in a form that a page shows, as a browser would."""

import re
from typing import Any

from django.test import Client

from tests.web.pages import Element, page_of


def fields_on(page: Element) -> dict[str, str]:
    """What the page's own form would send if nobody touched it; what is disabled is not sent."""
    form = page.one("form.lines-form")
    fields = {}
    for element in form.all("input") + form.all("select") + form.all("textarea"):
        if "disabled" in element or element.get("type") == "checkbox":
            continue
        if element.tag == "select":
            chosen = [option for option in element.all("option") if "selected" in option]
            fields[element["name"]] = (chosen or element.all("option"))[0]["value"]
        elif element.tag == "textarea":
            fields[element["name"]] = "".join(str(child) for child in element.children).lstrip("\n")
        else:
            fields[element["name"]] = element.get("value") or ""
    return fields


def open_and_send(client: Client, address: str, **changes: Any) -> Any:
    """Opens the form, types the changes, presses Save."""
    return client.post(address, fields_on(page_of(client.get(address))) | as_fields(changes))


def as_fields(changes: dict[str, Any]) -> dict[str, Any]:
    """`line0_amount` names the field `lines-0-amount`."""
    return {re.sub(r"^line([0-9]+)_", r"lines-\1-", name): value for name, value in changes.items()}


def problems_on(page: Element) -> dict[str, str]:
    """What the list of problems says, by the id of the field it leads to."""
    found = {}
    for link in page.one("#problems").all("a"):
        anchor = link["href"].removeprefix("#")
        assert page.one(f"#{anchor}").tag, anchor
        found[anchor] = link.text
    return found
