"""Change lists over tables that grow with use: newest first, walked by the key of the row, never counted.

A page costs the same wherever it is and however many rows there are. What no index knows (a word, two filters
at once) is looked for among so many rows in one go; the page says so, and offers to look further back.
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
"""How many rows one page looks through for what no index knows."""
NEAR = 1_000
"""How many it looks through for a word before an index is asked."""
MOST_FOUND = 1_000
"""How many rows an index is asked for at once."""

PAGE = re.compile(r"(after|before)-([0-9]{1,18})")
"""`?p=after-7`: the rows older than row 7; `?p=before-7`: those that are newer."""
NO_SUCH_PAGE = "There is no such page. These are the newest."


class FastChangeList(ChangeList):
    """Django's own, but for the order, the pages and the count."""

    model_admin: "FastList"
    newest_url = newer_url = older_url = ""
    looked_through = 0
    """Where not 0: only so many rows were looked through, and they did not fill the page."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str | Combinable]:
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        asked = request.GET.get(PAGE_VAR, "")
        page = PAGE.fullmatch(asked)
        if asked and not page:
            messages.warning(request, NO_SUCH_PAGE)
        key = int(page[2]) if page else None
        newer = page is not None and page[1] == "before"
        found, end = self._look(request, key, newer=newer)
        if newer and end is None and len(found) <= self.list_per_page:
            # The list begins here: with a whole page, not with what happens to be newer.
            key, newer = None, False
            found, end = self._look(request, None, newer=False)
        more, shown = len(found) > self.list_per_page, found[: self.list_per_page]
        if newer:
            shown.reverse()
        self._show(shown)
        self._lead_on(key, None if more else end, more=more, newer=newer)

    def _show(self, rows: list[Any]) -> None:
        self.result_list = rows
        self.result_count = self.full_result_count = len(rows)
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False

    def _lead_on(self, key: int | None, end: int | None, *, more: bool, newer: bool) -> None:
        """Where the pages around this one are. `end` is the row at which looking through ended in vain."""
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

    # --- looking ---------------------------------------------------------------------------------

    def _look(self, request: HttpRequest, key: int | None, *, newer: bool) -> tuple[list[Any], int | None]:
        """The next rows that fit, a page of them and one; and the first that was not looked at, if any."""
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
        """The rows that an index holds in this order, as far as it is asked; and whether nothing else is."""
        lookups = self.get_filters_params()
        asked = set(lookups) | {f"{name}={values[-1]}" for name, values in lookups.items()}
        rows, names = self.root_queryset, set[str]()
        for known in self.model_admin.indexed:
            if asked.issuperset(known):
                names = {name.partition("=")[0] for name in known}
                break
        left = set(names)
        for spec in self.filter_specs:
            if left.intersection(its := spec.expected_parameters() or ()):
                narrowed = spec.queryset(request, rows)
                rows = rows if narrowed is None else narrowed
                left.difference_update(its)
        plain = {name: prepare_lookup_value(name, lookups[name]) for name in left}
        rows = rows.filter(build_q_object_from_lookup_parameters(plain))
        return rows, not self.query and names == set(lookups)


def _beyond(rows: QuerySet[Any], key: int | None, *, newer: bool) -> QuerySet[Any]:
    """The rows on that side of the key, the nearest first."""
    if newer:
        return rows.filter(pk__gt=key).order_by("pk")
    return (rows if key is None else rows.filter(pk__lt=key)).order_by("-pk")


class FastList(admin.ModelAdmin[Any]):
    """Every list over a table that grows with use is one."""

    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count
    sortable_by = ()  # no index holds the rows in other orders
    change_list_template = "admin/fast_list.html"
    indexed: Sequence[Sequence[str]] = ()
    """Parameters of the address, `name` or `name=value`: whatever has all of one entry, an index holds in the
    order of the list, or holds few rows of. The first entry that is there counts."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FastChangeList

    is_searched_by_index = False

    def found_by_index(self, words: str) -> Sequence[int] | None:
        """The ids of all rows that a search finds; None where no index knows, or where they are too many."""
        raise NotImplementedError


class OneOf(admin.SimpleListFilter):
    """A filter whose choices do not come out of the table itself. Nothing has what is not among them."""

    column = ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        offered = {str(choice) for choice, _words in self.lookup_choices}
        return queryset.filter(**{self.column: value}) if value in offered else queryset.none()


class OfCompany(OneOf):
    """For rows that keep the company's id in a plain column."""

    title = "company"
    parameter_name = "company"
    column = "company_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Company.objects.order_by("name").values_list("pk", "name")]
