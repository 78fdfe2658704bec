"""One line in the log for each request, and the same ids in every line that is written on the way."""

from http import HTTPStatus
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware


class RequestLog(RequestMiddleware):
    """Names the operation, the actor and the outcome, by ids. Never the query: people search for names."""

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        """The operation is the address's name, once it is known."""
        _name_operation(request)

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        _name_operation(request)  # what was refused before its view was reached has one too
        structlog.contextvars.bind_contextvars(outcome=_outcome(response.status_code))
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Under the name that the ledger has for it too."""
        RequestMiddleware.bind_user_id(request)
        bound = structlog.contextvars.get_contextvars()
        structlog.contextvars.unbind_contextvars("user_id")
        structlog.contextvars.bind_contextvars(actor_id=bound.get("user_id"))


def _name_operation(request: HttpRequest) -> None:
    if request.resolver_match:
        structlog.contextvars.bind_contextvars(operation=request.resolver_match.view_name)


def _outcome(status: int) -> str:
    if status < HTTPStatus.BAD_REQUEST:
        return "done"
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return "refused"
    return "no-answer" if status == HTTPStatus.SERVICE_UNAVAILABLE else "failed"
