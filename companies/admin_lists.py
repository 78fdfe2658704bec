"""Change lists for tables that grow with use: newest first, keyset pages, no counts.

A page costs the same wherever it is and however many rows the table has. Filters without an index (a word,
two filters at once) search a limited number of rows per page; the page then says so and offers to search
older rows.
"""

import re
from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import build_q_object_from_lookup_parameters, prepare_lookup_value
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest

from companies.models import Company

MOST_LOOKED_THROUGH = 5_000
"""Rows that one page searches for a filter without an index."""
NEAR = 1_000
"""Rows that one page searches for a word before it uses a search index."""
MOST_FOUND = 1_000
"""Most ids that a search index returns."""

PAGE = re.compile(r"(after|before)-([0-9]{1,18})")
"""`?p=after-7`: the rows older than row 7; `?p=before-7`: those that are newer."""
NO_SUCH_PAGE = "There is no such page. These are the newest."


class FastChangeList(ChangeList):
    """Django's ChangeList with another order, other pages and no count."""

    model_admin: "FastList"
    newest_url = newer_url = older_url = ""
    looked_through = 0
    """If not 0, the search stopped after so many rows without filling the page."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str | Combinable]:
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        value = request.GET.get(PAGE_VAR, "")
        page = PAGE.fullmatch(value)
        if value and not page:
            messages.warning(request, NO_SUCH_PAGE)
        key = int(page[2]) if page else None
        newer = page is not None and page[1] == "before"
        found, end = self._search(request, key, newer=newer)
        if newer and end is None and len(found) <= self.list_per_page:
            # The list begins here, so this shows the whole first page instead of the newer rows only.
            key, newer = None, False
            found, end = self._search(request, None, newer=False)
        more, shown = len(found) > self.list_per_page, found[: self.list_per_page]
        if newer:
            shown.reverse()
        self._show(shown)
        self._set_page_urls(key, None if more else end, more=more, newer=newer)

    def _show(self, rows: list[Any]) -> None:
        self.result_list = rows
        self.result_count = self.full_result_count = len(rows)
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False

    def _set_page_urls(self, key: int | None, end: int | None, *, more: bool, newer: bool) -> None:
        """Sets the links to the pages around this one. `end` is the row at which the search stopped."""
        rows = self.result_list
        above: int | None = None
        below: int | None = None
        if newer:
            assert key is not None
            above = rows[0].pk if more else end and end - 1
            below = rows[-1].pk if rows else key + 1
        else:
            below = rows[-1].pk if more else end and end + 1
            if key is not None:
                above = rows[0].pk if rows else max(0, key - 1)
        if key is not None:
            self.newest_url = self.get_query_string()
        if above is not None:
            self.newer_url = self.get_query_string({PAGE_VAR: f"before-{above}"})
        if below is not None:
            self.older_url = self.get_query_string({PAGE_VAR: f"after-{below}"})
        if end is None:
            self.looked_through = 0

    # --- searching -------------------------------------------------------------------------------

    def _search(self, request: HttpRequest, key: int | None, *, newer: bool) -> tuple[list[Any], int | None]:
        """The next matching rows, one more than a page; and the first row that was not searched, or None."""
        enough = self.list_per_page + 1
        rows, end = _beyond(self.queryset, key, newer=newer), None
        known, is_all = self._known_to_index(request)
        asks_index = bool(self.query) and self.model_admin.is_searched_by_index
        self.looked_through = NEAR if asks_index else MOST_LOOKED_THROUGH
        if not is_all:
            ids = _beyond(known, key, newer=newer).values_list("pk", flat=True)
            end = next(iter(ids[self.looked_through : self.looked_through + 1]), None)
        near = rows if end is None else rows.filter(**{"pk__lt" if newer else "pk__gt": end})
        found = list(near[:enough])
        if len(found) < enough and end is not None and asks_index:
            ids_found = self.model_admin.found_by_index(self.query)
            if ids_found is not None:
                return list(rows.filter(pk__in=ids_found)[:enough]), None
        return found, end

    def _known_to_index(self, request: HttpRequest) -> tuple[QuerySet[Any], bool]:
        """The rows that an index holds in list order for these filters; and whether no filter is left."""
        lookups = self.get_filters_params()
        parameters = set(lookups) | {f"{name}={values[-1]}" for name, values in lookups.items()}
        rows, names = self.root_queryset, set[str]()
        for known in self.model_admin.indexed:
            if parameters.issuperset(known):
                names = {name.partition("=")[0] for name in known}
                break
        left = set(names)
        for spec in self.filter_specs:
            if left.intersection(own := spec.expected_parameters() or ()):
                narrowed = spec.queryset(request, rows)
                rows = rows if narrowed is None else narrowed
                left.difference_update(own)
        plain = {name: prepare_lookup_value(name, lookups[name]) for name in left}
        rows = rows.filter(build_q_object_from_lookup_parameters(plain))
        return rows, not self.query and names == set(lookups)


def _beyond(rows: QuerySet[Any], key: int | None, *, newer: bool) -> QuerySet[Any]:
    """The rows on one side of the key, nearest first."""
    if newer:
        return rows.filter(pk__gt=key).order_by("pk")
    return (rows if key is None else rows.filter(pk__lt=key)).order_by("-pk")


class FastList(admin.ModelAdmin[Any]):
    """Base class of the admin lists over tables that grow with use."""

    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # facets count rows
    sortable_by = ()  # no index has another order
    change_list_template = "admin/fast_list.html"
    indexed: Sequence[Sequence[str]] = ()
    """Sets of query parameters, `name` or `name=value`, for which an index holds the rows in list order, or
    for which there are few rows. The first set contained in the request is used.
    """

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FastChangeList

    is_searched_by_index = False

    def found_by_index(self, words: str) -> Sequence[int] | None:
        """The ids of all rows that match; None without an index, or when there are too many."""
        raise NotImplementedError


class OneOf(admin.SimpleListFilter):
    """A filter with fixed choices. Any other value matches no row."""

    column = ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        offered = {str(choice) for choice, _words in self.lookup_choices}
        return queryset.filter(**{self.column: value}) if value in offered else queryset.none()


class OfCompany(OneOf):
    """Filters rows that hold the company's id in a plain column."""

    title = "company"
    parameter_name = "company"
    column = "company_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Company.objects.order_by("name").values_list("pk", "name")]
