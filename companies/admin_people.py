"""People and their directory entries in the admin. Every edit is recorded in the Directory's history."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from companies.errors import LastAdministrator
from companies.models import Membership, User
from companies.operations.record_support_edit import SupportEdit, begin_edit, end_edit

RIGHTS_OF_STAFF = ("is_staff", "is_superuser", "groups", "user_permissions")
SUPERUSERS_GIVE = "Only a superuser makes a person staff or superuser, or gives permissions and groups."
SUPERUSERS_TOUCH = "Only a superuser changes or deletes the accounts of staff and superusers."


class DirectoryAdmin(admin.ModelAdmin[Any]):
    """Records in the Directory's history what it saves or deletes of entries.

    Refuses to remove the last active administrator of a company; the form keeps what was typed.
    """

    def entries_of(self, ids: list[int]) -> QuerySet[Membership]:
        """The directory entries that belong to these rows."""
        raise NotImplementedError

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:  # noqa: FBT001
        _keep(request, self._begin(request, [obj.pk] if change else []))
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        super().save_related(request, form, formsets, change)
        end_edit(_kept(request), self.entries_of([form.instance.pk]))

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        self._delete(request, [obj.pk], lambda: super(DirectoryAdmin, self).delete_model(request, obj))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        self._delete(request, ids, lambda: super(DirectoryAdmin, self).delete_queryset(request, queryset))

    def _delete(self, request: HttpRequest, ids: list[int], act: Callable[[], None]) -> None:
        edit = self._begin(request, ids)
        act()
        end_edit(edit, self.entries_of(ids))

    def _begin(self, request: HttpRequest, ids: list[int]) -> SupportEdit:
        assert isinstance(request.user, User)
        return begin_edit(self.entries_of(ids), actor=request.user)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except LastAdministrator as refusal:
            # Processed again, so that the form shows the refusal and what was typed.
            request.META[REFUSAL] = f"{refusal} Nothing was changed."
            return super().changeform_view(request, *args, **kwargs)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        refusal = request.META.get(REFUSAL)
        if not refusal:
            return form

        def clean(self: Any) -> None:
            form.clean(self)
            raise ValidationError(refusal)

        return type(form.__name__, (form,), {"clean": clean})

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._refused_in_words(request, super().delete_view, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._refused_in_words(request, super().changelist_view, *args, **kwargs)

    def _refused_in_words(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        try:
            with transaction.atomic():
                return view(request, *args, **kwargs)
        except LastAdministrator as refusal:
            messages.error(request, f"{refusal} Nothing was changed.")
            return redirect(request.path)


EDIT, REFUSAL = "plumbline.edit", "plumbline.refusal"


def _keep(request: HttpRequest, edit: SupportEdit) -> None:
    request.META[EDIT] = edit


def _kept(request: HttpRequest) -> SupportEdit:
    edit = request.META.pop(EDIT)
    assert isinstance(edit, SupportEdit)
    return edit


@admin.register(User)
class PersonAdmin(DirectoryAdmin, UserAdmin[User]):
    """Only superusers grant staff or superuser status, or change the accounts of staff and superusers."""

    list_display = ("username", "first_name", "last_name", "email", "is_active", "is_staff")

    def entries_of(self, ids: list[int]) -> QuerySet[Membership]:
        return Membership.objects.filter(user__in=ids)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """An account is deactivated by an action that asks for a reason, and activated here."""
        fields = tuple(super().get_readonly_fields(request, obj))
        if obj is not None and obj.is_active:
            fields += ("is_active",)
        return fields if _is_superuser(request) else (*fields, *RIGHTS_OF_STAFF)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        person = self.get_object(request, object_id)
        if request.method == "GET" and person and not _is_superuser(request):
            messages.info(request, SUPERUSERS_GIVE if _may_touch(request, person) else SUPERUSERS_TOUCH)
        return super().change_view(request, object_id, *args, **kwargs)


def _is_superuser(request: HttpRequest) -> bool:
    return request.user.is_authenticated and request.user.is_superuser


def _may_touch(request: HttpRequest, person: User | None) -> bool:
    """Otherwise staff could set a superuser's password and sign in as that superuser."""
    return _is_superuser(request) or person is None or not (person.is_staff or person.is_superuser)


admin.site.unregister(Group)


@admin.register(Group)
class PermissionGroupAdmin(GroupAdmin):
    """Superusers only, because members of a group could grant it every permission."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_change_permission(request, obj) and _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_superuser(request)
