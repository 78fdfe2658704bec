"""Somebody at a browser, with htmx and without."""

from typing import Any

from django.test import Client
from django.urls import reverse

from commitments.models import CommitmentChangeOrder
from companies.models import User
from tests.web.pages import Element, page_of
from tests.world import World

GREEN, RED, AMBER = "success", "error", "warning"
SUCCESS = "Successful Unlinked"
STILL_THERE = "The CCO is still in Sage 100 Contractor®. Please delete it before retrying"


def browser_of(person: User | None = None, **options: Any) -> Client:
    """A browser in which this person, or nobody, is signed in."""
    client = Client(**options)
    if person is not None:
        client.force_login(person)
    return client


def htmx(page: str) -> dict[str, str]:
    """What htmx sends along from the page of that address."""
    return {"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}"}


def list_address(world: World, query: str = "") -> str:
    return reverse("change-orders", args=[world.company.slug]) + query


def unlink_address(world: World, cco: CommitmentChangeOrder) -> str:
    return reverse("unlink", args=[world.company.slug, cco.pk])


def click(client: Client, world: World, cco: CommitmentChangeOrder, query: str = "") -> Any:
    """Unlink with htmx, from the list."""
    return client.post(unlink_address(world, cco), headers=htmx(list_address(world, query)))


def submit(client: Client, world: World, cco: CommitmentChangeOrder) -> Any:
    """Unlink without JavaScript."""
    return client.post(unlink_address(world, cco))


def message_of(page: Element) -> tuple[str, str, str]:
    """The one message on the page or in the fragment: colour, title, everything in it."""
    message = page.one(".message")
    [colour] = [name.removeprefix("message-") for name in message["class"].split() if name != "message"]
    return colour, message.one(".message-title").text, message.text


def answered_message(answer: object) -> tuple[str, str, str]:
    """The message of a full page or a fragment, without the one that waits in a template for no answer."""
    page = page_of(answer)
    for element in page.everything():
        element.children = [
            child for child in element.children if isinstance(child, str) or child.get("id") != "no-answer"
        ]
    return message_of(page)


def range_in(place: Element) -> str:
    """Which rows of how many, `1-50 of 128`, with a plain hyphen."""
    return place.text.replace("\N{EN DASH}", "-")
