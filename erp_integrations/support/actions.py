"""What staff do from the desk, each an address that asks why. There is no unlink among them.

The links, attempts and people are named by their own ids, so that of what has changed since the page was
loaded nothing is touched.
"""

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from companies.admin_acts import NothingDone, answer_act
from companies.errors import DirectoryNotAllowed
from companies.models import User
from companies.operations.deactivate import deactivate_person
from companies.staff import StaffAct
from erp_integrations.erp import registry
from erp_integrations.ledger.actors import actor_in_admin
from erp_integrations.links.check_now import CheckedNow, check_change_orders
from erp_integrations.links.release_attempt import ReleaseNotAllowed, ReleaseRefused, release_attempt
from erp_integrations.links.relink import relink_change_order
from erp_integrations.models import ChangeOrderLink, UnlinkAttempt
from erp_integrations.workflow import errors
from erp_integrations.workflow import messages as workflow_messages

asks_why = require_http_methods(["GET", "POST"])


@asks_why
def free(request: HttpRequest, attempt_id: int) -> HttpResponse:
    attempt = UnlinkAttempt.objects.select_related("link__connection__company").filter(pk=attempt_id).first()
    if attempt is None:
        raise Http404

    def act(actor: User, reason: str) -> None:
        try:
            release_attempt(attempt_id=attempt_id, reason=reason, actor=actor_in_admin(actor))
        except ReleaseNotAllowed as refusal:
            raise DirectoryNotAllowed((str(refusal),)) from None
        except ReleaseRefused as refusal:
            raise NothingDone(f"{refusal} Nothing was changed.") from None

    return answer_act(
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
        try:
            checked = check_change_orders(
                company_id=link.connection.company_id,
                change_order_ids=(link.change_order_id or 0,),
                actor=actor_in_admin(actor),
                reason=reason,
            )
        except errors.NotAllowed as refusal:
            raise DirectoryNotAllowed(refusal.missing) from None
        return _said(checked, erp=erp)

    return answer_act(
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
        try:
            relink_change_order(
                company_id=link.connection.company_id,
                change_order_id=change_order_id,
                actor=actor_in_admin(actor),
                reason=reason,
                former_id=link_id,
            )
        except errors.NotAllowed as refusal:
            raise DirectoryNotAllowed(refusal.missing) from None
        except errors.ExportRefused as refusal:
            message = workflow_messages.refused_message(refusal, erp=erp)
            raise NothingDone(". ".join((message.title, " ".join(message.details)))) from None
        return f"CCO {link.cco_number} is tied to record {link.record_number} again."

    return answer_act(
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
    return answer_act(
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


# --- how -----------------------------------------------------------------------------------------


def _link_or_404(link_id: int) -> ChangeOrderLink:
    link = ChangeOrderLink.objects.select_related("connection__company").filter(pk=link_id).first()
    if link is None:
        raise Http404
    return link


def _refuse_ended(link_id: int) -> None:
    if not ChangeOrderLink.objects.filter(pk=link_id, unlinked_at=None).exists():
        raise NothingDone(
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


def _said(checked: CheckedNow, *, erp: str) -> str:
    """What came of the question. Raises `NothingDone` where nobody knows more than before."""
    if checked.fault:
        raise NothingDone(f"{checked.fault.what} {checked.fault.advice}")
    if not checked.asked:
        raise NothingDone("This link has ended meanwhile. Nothing was changed.")
    if not checked.answered:
        raise NothingDone(f"{erp} gave no trustworthy answer. What is known is as old as before. Try again.")
    return f"{erp} says something new about it." if checked.changed else f"{erp} says the same as before."
