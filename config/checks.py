"""System checks: what can be wrong in the settings, each with an id and a hint."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.utils.module_loading import import_string


@register
def erp_kinds_can_be_imported(**_: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for kind, parts in settings.ERP_KINDS.items():
        for part, path in _paths(parts):
            try:
                import_string(path)
            except ImportError:
                problems.append(
                    Error(
                        f"The {part} of the connection kind {kind!r} cannot be imported.",
                        hint=f"ERP_KINDS names {path!r}.",
                        id="plumbline.E001",
                    )
                )
    return problems


def _paths(parts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The parts of a kind that are code, and where it is."""
    for part, value in parts.items():
        if part == "writers":
            yield from ((f"writer {name!r}", path) for name, path in value.items())
        elif part != "name":
            yield part, value


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
def links_in_mails_lead_somewhere(**_: Any) -> list[CheckMessage]:
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
def figures_are_not_told_to_everybody(**_: Any) -> list[CheckMessage]:
    wide = [str(network) for network in settings.METRICS_ALLOW if network.prefixlen == 0]
    if not wide:
        return []
    return [
        Caution(
            f"METRICS_ALLOW names everybody ({', '.join(wide)}).",
            hint="Name the monitor's address, or set METRICS_TOKEN.",
            id="plumbline.W003",
        )
    ]


@register(Tags.security, deploy=True)
def limits_count_people_and_not_the_proxy(**_: Any) -> list[CheckMessage]:
    if settings.ALLAUTH_TRUSTED_PROXY_COUNT or settings.DEMO or settings.DEBUG:
        return []
    return [
        Caution(
            "PROXIES is 0: behind a proxy, everybody's failed sign-ins count as one person's.",
            hint="Set PROXIES to the number of proxies that add to X-Forwarded-For, usually 1.",
            id="plumbline.W004",
        )
    ]
