"""Context processor for the navigation bar of every page."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from companies.models import CompanyTool, Level
from companies.policies import may_see_directory


@dataclass(frozen=True, slots=True)
class NavigationLink:
    label: str
    url: str
    current: bool


def navigation(request: HttpRequest) -> dict[str, Any]:
    """`nav`: the tools of the company that the viewer may open; empty outside a company."""
    company = getattr(request, "company", None)
    access = getattr(request, "access", None)
    if company is None or access is None:
        return {}
    tools = []
    if any(level >= Level.READ_ONLY for level in access.project_levels.values()):
        address = reverse("projects", args=[company.slug])
        tools.append(NavigationLink("Projects", address, current=request.path.startswith(address)))
    if access.on_company(CompanyTool.ERP_INTEGRATIONS) >= Level.READ_ONLY:
        address = reverse("erp-integrations", args=[company.slug])
        tools.append(NavigationLink("ERP Integrations", address, current=request.path.startswith(address)))
    if may_see_directory(access):
        address = reverse("directory", args=[company.slug])
        tools.append(NavigationLink("Directory", address, current=request.path.startswith(address)))
    return {"nav": tuple(tools), "company": company}
