"""What monitors ask: is the process alive, is the server ready, and the figures.

They ask without a session, and get words or numbers, never a page.
"""

import dataclasses
import secrets
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as PROMETHEUS

from config.metrics import figures
from config.readiness import Readiness, look
from erp_integrations.connections.health import trouble_of

PLAIN = "text/plain; charset=utf-8"
NOT_TOLD = (
    "The figures are told to addresses that METRICS_ALLOW names and that ask this server itself, "
    "and to clients that send METRICS_TOKEN.\n"
)
PROXIES_SAY = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")
"""What a proxy adds. A request that carries one of these comes from somebody else than it seems to."""


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> HttpResponse:
    """The process is alive and answers. Asks nobody, not the database either."""
    return HttpResponse("alive\n", content_type=PLAIN)


@require_safe
@never_cache
@vary_on_headers("Accept", "Authorization")
def readyz(request: HttpRequest) -> HttpResponse:
    """200 where this server is ready to serve, 503 with the reasons where it is not.

    What is wrong all the same, the queue and the connections are told to those only who may see the figures.
    """
    found = look()
    status = 200 if found.ready else 503
    detailed = _may_see_figures(request)
    if request.get_preferred_type(["application/json", "text/plain"]) == "text/plain":
        return HttpResponse(_words(found, detailed=detailed), status=status, content_type=PLAIN)
    return JsonResponse(_fields(found, detailed=detailed), status=status)


@require_safe
@never_cache
@vary_on_headers("Authorization")
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures in Prometheus' form; 403 for whoever may not see them, 503 where there is no database."""
    if not _may_see_figures(request):
        return HttpResponse(NOT_TOLD, status=403, content_type=PLAIN)
    try:
        return HttpResponse(figures(), content_type=PROMETHEUS)
    except Error as error:
        words = f"The database does not answer as it should ({type(error).__name__}).\n"
        return HttpResponse(words, status=503, content_type=PLAIN)


def _may_see_figures(request: HttpRequest) -> bool:
    """By the token; or by the address, as long as no proxy stands between, whose address it would be."""
    kind, _, brought = request.headers.get("Authorization", "").partition(" ")
    if settings.METRICS_TOKEN and kind.lower() == "bearer":
        return secrets.compare_digest(brought.strip().encode(), settings.METRICS_TOKEN.encode())
    if any(name in request.headers for name in PROXIES_SAY):
        return False
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in settings.METRICS_ALLOW)


def _fields(found: Readiness, *, detailed: bool) -> Mapping[str, Any]:
    fields: dict[str, Any] = {"status": found.status, "reasons": found.reasons}
    if detailed:
        fields["troubles"] = found.troubles
        fields["queue"] = dataclasses.asdict(found.queue) if found.queue else None
        fields["connections"] = [
            {**dataclasses.asdict(one), "trouble": trouble_of(one)} for one in found.connections
        ]
    return fields


def _words(found: Readiness, *, detailed: bool) -> str:
    lines = [found.status, *found.reasons]
    if detailed:
        lines += found.troubles
        if found.queue:
            lines.append(
                f"Queue: {found.queue.waiting} waiting, the oldest for "
                f"{found.queue.oldest_waiting_seconds:.0f} s; {found.queue.running} running, "
                f"{found.queue.failed} failed; {found.queue.workers} workers."
            )
        for one in found.connections:
            success, failure, complete = (
                moment.isoformat() if moment else "never"
                for moment in (one.last_success_at, one.last_failure_at, one.reconciled_at)
            )
            lines.append(
                f"Connection {one.connection_id} of company {one.company_id} ({one.kind}): "
                f"last success {success}, last failure {failure}, {one.failures_in_a_row} failures in a row, "
                f"last complete run {complete}."
            )
    return "\n".join(lines) + "\n"
