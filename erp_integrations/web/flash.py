"""Flash messages of full pages; HTMX responses contain their own."""

from django.contrib import messages
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from erp_integrations.view_models import Message

LEVELS = {"success": messages.SUCCESS, "error": messages.ERROR, "warning": messages.WARNING}


def flash_message(request: HttpRequest, message: Message) -> None:
    """Shows the message on the next full page, in this response or after a redirect."""
    markup = render_to_string("components/message.html", {"message": message}, request)
    # The template has escaped the values; the message storage keeps it marked as safe.
    messages.add_message(request, LEVELS[message.level], mark_safe(markup))  # noqa: S308
