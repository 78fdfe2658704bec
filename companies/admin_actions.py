"""An action of the support desk: a page that asks for the reason, then runs the operation.

The admin's own forms do not save such a change. A refused action keeps the reason that was typed.
"""

from collections.abc import Callable

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from companies.errors import DirectoryNotAllowed, DirectoryRefused
from companies.models import User
from companies.staff_permissions import StaffAct


class ActionRefused(Exception):
    """An operation of another app refused the action. The text for the page says why and what to do."""


class ActionReasonForm(forms.Form):
    """The reason of an action. It is kept in the history."""

    words = forms.CharField(
        label="Why? The people concerned read this.",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
        error_messages={"required": "A reason is needed. Nothing was changed."},
    )


def action_view(
    request: HttpRequest,
    *,
    needs: StaffAct,
    title: str,
    facts: tuple[tuple[str, str], ...],
    act: Callable[[User, str], str | None],
    done: str = "",
    back: str,
    note: str = "",
) -> HttpResponse:
    """The page that asks for the reason, and the action.

    `act` takes the actor and the reason; the message it returns is shown, else `done`. Permissions are
    checked here for the page, and by the operation for the action. Responds with 409 and the refusal's text
    when the row has changed, with 404 when it was deleted.
    """
    if not request.user.has_perm(needs):
        raise PermissionDenied
    assert isinstance(request.user, User)
    form = ActionReasonForm(request.POST if request.method == "POST" else None, label_suffix="")
    status = 422 if form.is_bound else 200
    if form.is_valid():
        try:
            message = act(request.user, form.cleaned_data["words"])
        except DirectoryNotAllowed:
            raise PermissionDenied from None
        except ObjectDoesNotExist:  # deleted since the page was loaded
            raise Http404 from None
        except DirectoryRefused as refusal:
            messages.warning(request, f"{refusal} Nothing was changed.")
            status = 409
        except ActionRefused as refusal:
            messages.warning(request, str(refusal))
            status = 409
        else:
            messages.success(request, message or done)
            return redirect(back)
    context = {
        **admin.site.each_context(request),
        "title": title,
        "facts": facts,
        "form": form,
        "back": back,
        "note": note,
    }
    return render(request, "admin/desk/act.html", context, status=status)
