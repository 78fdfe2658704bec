"""One log line per request; its ids are bound to every line written during the request."""

from http import HTTPStatus
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware


class RequestLog(RequestMiddleware):
    """Logs operation, actor and outcome as ids. Never the query string, which may hold names of people."""

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        """Binds the URL name as the operation."""
        _name_operation(request)

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        _name_operation(request)  # a request may be refused before its view is reached
        structlog.contextvars.bind_contextvars(outcome=_outcome(response.status_code))
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Binds `actor_id`, the name that the ledger uses, instead of `user_id`."""
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
