"""What the acts of the Commitments tool share: who may not is told so, and what was deleted is not found."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from commitments.errors import CommitmentsRefused, NotAllowed
from commitments.messages import refusal_words
from commitments.models import Commitment, CommitmentChangeOrder
from companies.decorators import MemberRequest
from companies.models import Project


@contextmanager
def at_the_act() -> Iterator[None]:
    """Around an operation: between the door of the page and its lock somebody may have been quicker."""
    try:
        yield
    except NotAllowed as refusal:
        raise PermissionDenied(". ".join(refusal.missing) + ".") from None
    except (Project.DoesNotExist, Commitment.DoesNotExist, CommitmentChangeOrder.DoesNotExist):
        raise Http404 from None


def act(
    request: MemberRequest, operation: Callable[[], object], *, done: str, then: str, back: str
) -> HttpResponse:
    """Runs an operation and leaves its words for the page it leads to; `back` where it refused."""
    try:
        with at_the_act():
            operation()
    except CommitmentsRefused as refusal:
        messages.warning(request, f"{refusal_words(refusal)} Nothing was changed.")
        return redirect(back)
    messages.success(request, done)
    return redirect(then)
