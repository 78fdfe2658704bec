"""Messages of full pages; HTMX gets its own with the fragment."""

from django.contrib import messages
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from erp_integrations.view_models import Message

LEVELS = {"success": messages.SUCCESS, "error": messages.ERROR, "warning": messages.WARNING}


def flash_message(request: HttpRequest, message: Message) -> None:
    """Says it on the page that is made next: the one that answers this request, or the one it leads to."""
    markup = render_to_string("components/message.html", {"message": message}, request)
    # Our own template escaped what is in it; the storage keeps that it is markup.
    messages.add_message(request, LEVELS[message.level], mark_safe(markup))  # noqa: S308
