"""System checks of the settings, each with an id and a hint."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.core.exceptions import ImproperlyConfigured

from erp_integrations.erp import registry


@register
def erp_drivers_can_be_loaded(**_: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for kind, path in settings.ERP_KINDS.items():
        try:
            registry.driver(kind)
        except (ImportError, ImproperlyConfigured) as error:
            problems.append(
                Error(
                    f"The driver of the connection kind {kind!r} cannot be loaded: {error}",
                    hint=f"ERP_KINDS names {path!r}.",
                    id="plumbline.E001",
                )
            )
    return problems


@register(Tags.security, deploy=True)
def demo_is_off_in_production(**_: Any) -> list[CheckMessage]:
    if not settings.DEMO:
        return []
    return [
        Caution(
            "DEMO is on: the sandbox and the demo's sign-in names are shown.",
            hint="Unset DEMO.",
            id="plumbline.W001",
        )
    ]


@register(Tags.security, deploy=True)
def links_in_mails_use_https(**_: Any) -> list[CheckMessage]:
    if settings.SITE_URL.startswith("https://"):
        return []
    return [
        Caution(
            f"Links in mails begin with {settings.SITE_URL}, which is not an https address.",
            hint="Set SITE_URL to the address that people type into the browser.",
            id="plumbline.W002",
        )
    ]


@register(Tags.security, deploy=True)
def metrics_are_not_public(**_: Any) -> list[CheckMessage]:
    wide = [str(network) for network in settings.METRICS_ALLOW if network.prefixlen == 0]
    if not wide:
        return []
    return [
        Caution(
            f"METRICS_ALLOW includes every address ({', '.join(wide)}).",
            hint="Name the monitor's address, or set METRICS_TOKEN.",
            id="plumbline.W003",
        )
    ]


@register(Tags.security, deploy=True)
def rate_limits_see_client_addresses(**_: Any) -> list[CheckMessage]:
    if settings.ALLAUTH_TRUSTED_PROXY_COUNT or settings.DEMO or settings.DEBUG:
        return []
    return [
        Caution(
            "PROXIES is 0: behind a proxy, failed sign-ins of all users count as one user's.",
            hint="Set PROXIES to the number of proxies that add to X-Forwarded-For, usually 1.",
            id="plumbline.W004",
        )
    ]
