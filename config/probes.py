"""Endpoints for monitors: liveness, readiness and metrics. They need no session."""

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

from config.metrics import render_metrics
from config.readiness import Readiness, check_readiness
from erp_integrations.connections.health import trouble_of

PLAIN = "text/plain; charset=utf-8"
METRICS_REFUSED = (
    "Metrics are for addresses in METRICS_ALLOW that reach this server without a proxy, "
    "and for clients that send METRICS_TOKEN.\n"
)
PROXY_HEADERS = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")
"""Headers that a proxy adds: `REMOTE_ADDR` is then the proxy's address, not the client's."""


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers. Does not query the database."""
    return HttpResponse("alive\n", content_type=PLAIN)


@require_safe
@never_cache
@vary_on_headers("Accept", "Authorization")
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when this server is ready to serve, 503 with the reasons when it is not.

    Only clients that may read the metrics get the problems, the queue and the connections.
    """
    readiness = check_readiness()
    status = 200 if readiness.ready else 503
    detailed = _may_read_metrics(request)
    if request.get_preferred_type(["application/json", "text/plain"]) == "text/plain":
        return HttpResponse(_as_text(readiness, detailed=detailed), status=status, content_type=PLAIN)
    return JsonResponse(_fields(readiness, detailed=detailed), status=status)


@require_safe
@never_cache
@vary_on_headers("Authorization")
def metrics(request: HttpRequest) -> HttpResponse:
    """Metrics in the Prometheus format; 403 without permission, 503 without a database."""
    if not _may_read_metrics(request):
        return HttpResponse(METRICS_REFUSED, status=403, content_type=PLAIN)
    try:
        return HttpResponse(render_metrics(), content_type=PROMETHEUS)
    except Error as error:
        text = f"The database does not answer as it should ({type(error).__name__}).\n"
        return HttpResponse(text, status=503, content_type=PLAIN)


def _may_read_metrics(request: HttpRequest) -> bool:
    """By the token, else by the client's address, which is known only without a proxy."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if settings.METRICS_TOKEN and scheme.lower() == "bearer":
        return secrets.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    if any(name in request.headers for name in PROXY_HEADERS):
        return False
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in settings.METRICS_ALLOW)


def _fields(readiness: Readiness, *, detailed: bool) -> Mapping[str, Any]:
    fields: dict[str, Any] = {"status": readiness.status, "reasons": readiness.reasons}
    if detailed:
        fields["troubles"] = readiness.troubles
        fields["queue"] = dataclasses.asdict(readiness.queue) if readiness.queue else None
        fields["connections"] = [
            {**dataclasses.asdict(one), "trouble": trouble_of(one)} for one in readiness.connections
        ]
    return fields


def _as_text(readiness: Readiness, *, detailed: bool) -> str:
    lines = [readiness.status, *readiness.reasons]
    if detailed:
        lines += readiness.troubles
        if readiness.queue:
            lines.append(
                f"Queue: {readiness.queue.waiting} waiting, the oldest for "
                f"{readiness.queue.oldest_waiting_seconds:.0f} s; {readiness.queue.running} running, "
                f"{readiness.queue.failed} failed; {readiness.queue.workers} workers."
            )
        for one in readiness.connections:
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
