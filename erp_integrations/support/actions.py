"""The actions of the support desk: one URL each, which asks for the reason. None of them unlinks.

URLs contain ids of links, attempts and people, so that an action never applies to another row that took its
place.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from companies.admin_actions import ActionRefused, action_view
from companies.models import User
from companies.operations.deactivate_person import deactivate_person
from companies.staff_permissions import StaffAct
from erp_integrations.erp import registry
from erp_integrations.ledger.actors import actor_in_admin
from erp_integrations.links.check_now import CheckedNow, check_change_orders
from erp_integrations.links.release_attempt import release_attempt
from erp_integrations.links.relink import relink_change_order
from erp_integrations.models import ChangeOrderLink, UnlinkAttempt
from erp_integrations.workflow.errors import NotAllowed, Refused

asks_why = require_http_methods(["GET", "POST"])


@asks_why
def free(request: HttpRequest, attempt_id: int) -> HttpResponse:
    attempt = UnlinkAttempt.objects.select_related("link__connection__company").filter(pk=attempt_id).first()
    if attempt is None:
        raise Http404
    erp = registry.erp_name(attempt.link.connection.kind)

    def act(actor: User, reason: str) -> None:
        with _refusals_on_page(erp):
            release_attempt(attempt_id=attempt_id, reason=reason, actor=actor_in_admin(actor))

    return action_view(
        request,
        needs=StaffAct.FREE_ATTEMPT,
        title=f"Free the attempt on CCO {attempt.link.cco_number}",
        facts=(*_facts_of(attempt.link), ("Asked by", attempt.actor_name)),
        note="The attempt ends without an answer, and the link stays as it is. Its user can try again.",
        act=act,
        done="The attempt is freed. The link is as it was; anybody who may can ask again.",
        back=_page_of(attempt.link),
    )


@asks_why
def check_now(request: HttpRequest, link_id: int) -> HttpResponse:
    link = _link_or_404(link_id)
    erp = registry.erp_name(link.connection.kind)

    def act(actor: User, reason: str) -> str:
        _refuse_ended(link_id)
        with _refusals_on_page(erp):
            checked = check_change_orders(
                company_id=link.connection.company_id,
                change_order_ids=(link.change_order_id or 0,),
                actor=actor_in_admin(actor),
                reason=reason,
            )
        return _describe_check(checked, erp=erp)

    return action_view(
        request,
        needs=StaffAct.CHECK_NOW,
        title=f"Check CCO {link.cco_number} in {erp} now",
        facts=_facts_of(link),
        note=f"{erp} is asked once, and what it says is written down. Nothing is ever cut by that.",
        act=act,
        back=_page_of(link),
    )


@asks_why
def relink(request: HttpRequest, link_id: int) -> HttpResponse:
    link = _link_or_404(link_id)
    if link.change_order_id is None:
        raise Http404
    change_order_id, erp = link.change_order_id, registry.erp_name(link.connection.kind)

    def act(actor: User, reason: str) -> str:
        with _refusals_on_page(erp):
            relink_change_order(
                company_id=link.connection.company_id,
                change_order_id=change_order_id,
                actor=actor_in_admin(actor),
                reason=reason,
                former_id=link_id,
            )
        return f"CCO {link.cco_number} is tied to record {link.record_number} again."

    return action_view(
        request,
        needs=StaffAct.RELINK,
        title=f"Relink CCO {link.cco_number} to record {link.record_number}",
        facts=_facts_of(link),
        note=f"Only to the very record it was tied to, and only where {erp} says that it is there.",
        act=act,
        back=_page_of(link),
    )


@asks_why
def deactivate(request: HttpRequest, user_id: int) -> HttpResponse:
    person = User.objects.filter(pk=user_id).first()
    if person is None:
        raise Http404
    entries = person.memberships.select_related("company").order_by("company__name")
    return action_view(
        request,
        needs=StaffAct.DEACTIVATE_PERSON,
        title=f"Deactivate {person.name}",
        facts=(
            ("Username", person.username),
            ("Companies", ", ".join(entry.company.name for entry in entries) or "none"),
        ),
        note="The account signs in no more, and sessions that are open end at once. The entries stay.",
        act=lambda actor, reason: deactivate_person(user_id=user_id, reason=reason, actor=actor),
        done=f"{person.name} is deactivated.",
        back=reverse("admin:companies_user_change", args=[user_id]),
    )


# --- helpers -------------------------------------------------------------------------------------


@contextmanager
def _refusals_on_page(erp: str) -> Iterator[None]:
    """403 for staff without permission; the page that asks for the reason shows every other refusal."""
    try:
        yield
    except NotAllowed:
        raise PermissionDenied from None
    except Refused as refusal:
        title, *details = refusal.sentences(erp)
        raise ActionRefused(". ".join((title, " ".join(details)))) from None


def _link_or_404(link_id: int) -> ChangeOrderLink:
    link = ChangeOrderLink.objects.select_related("connection__company").filter(pk=link_id).first()
    if link is None:
        raise Http404
    return link


def _refuse_ended(link_id: int) -> None:
    if not ChangeOrderLink.objects.filter(pk=link_id, unlinked_at=None).exists():
        raise ActionRefused(
            "This link has ended meanwhile: there is nothing to ask about. Nothing was changed."
        )


def _facts_of(link: ChangeOrderLink) -> tuple[tuple[str, str], ...]:
    return (
        ("Company", link.connection.company.name),
        ("CCO", f"{link.cco_number} {link.cco_title}"),
        ("Project", link.project_name),
        ("Sage", f"{link.number}, record {link.record_number}"),
    )


def _page_of(link: ChangeOrderLink) -> str:
    return reverse("admin:desk-link", args=[link.pk])


def _describe_check(checked: CheckedNow, *, erp: str) -> str:
    """The result of the check. Raises `ActionRefused` when there is none."""
    if checked.fault:
        raise ActionRefused(f"{checked.fault.what} {checked.fault.advice}")
    if not checked.looked_up:
        raise ActionRefused("This link has ended meanwhile. Nothing was changed.")
    if not checked.answered:
        raise ActionRefused(
            f"{erp} gave no trustworthy answer. What is known is as old as before. Try again."
        )
    return f"{erp} says something new about it." if checked.changed else f"{erp} says the same as before."
