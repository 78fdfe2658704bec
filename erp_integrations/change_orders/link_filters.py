"""Filters of the links in a view, chosen so that an index returns them in the list's order."""

import re
from datetime import timedelta

from django.db.models import Q, QuerySet

from companies.clock import midnight
from companies.models import Company
from erp_integrations.change_orders.list_query import ListQuery
from erp_integrations.erp.queries import connection_of
from erp_integrations.models import ChangeOrderLink
from erp_integrations.models.links import GONE

SHORT = 3
"""Shorter search words match whole words only."""

LETTER = re.compile(r"[^\W_]")
INDEXED_WORD = re.compile(r"[^\W_]{3}|[\W_][^\W_]")
"""Words that the trigram index helps to find: three letters or digits in a row, or a word's beginning."""

INDEX_CONDITIONS = {
    "project": (("project",), ("gone",), ("drifted",), ("company",), ("presence",)),
    "company": (("company",),),
    "amount": (("amount_from", "amount_to"),),
    "number": (),
    "linked": (("linked_from", "linked_to", "linked_by"),),
}
"""Sort -> conditions, the narrowest first, for which an index holds the links in that order."""


def active_links(company: Company) -> QuerySet[ChangeOrderLink]:
    """Filtered by the connection's id, the first column of every index of the list."""
    return ChangeOrderLink.objects.filter(connection=connection_id_of(company), unlinked_at=None)


def connection_id_of(company: Company) -> int:
    """The connection's id; 0 when there is none."""
    connection = connection_of(company)
    return connection.pk if connection else 0


def filter_links(company: Company, query: ListQuery) -> tuple[QuerySet[ChangeOrderLink], Q | None]:
    """The links that an index returns in list order, and the remaining conditions; None without any."""
    conditions = _conditions(query)
    links = active_links(company)
    for names in INDEX_CONDITIONS[query.sort]:
        if walked := [conditions.pop(name) for name in names if name in conditions]:
            links = links.filter(*walked)
            break
    words = [contains(word) for word in query.q.split()]
    rest = [*conditions.values(), *words]
    return links, Q(*rest) if rest else None


def filtered_links(company: Company, query: ListQuery) -> QuerySet[ChangeOrderLink]:
    """The same links, unordered."""
    links, rest = filter_links(company, query)
    return links if rest is None else links.filter(rest)


def is_indexed(query: ListQuery) -> bool:
    """Whether an index supports a condition of the query beside the order."""
    words = query.q.split()
    return not words or bool(_conditions(query)) or any(_is_known(word) for word in words)


def _conditions(query: ListQuery) -> dict[str, Q]:
    found: dict[str, Q | None] = {
        "project": Q(project_number=query.project) if query.project else None,
        "company": Q(contract_company=query.company) if query.company else None,
        "presence": Q(presence=query.presence) if query.presence else None,
        "gone": Q(presence__in=GONE) if query.view == "deleted-in-sage" else None,
        "drifted": ~Q(drift=[]) if query.drift else None,
        "drift": Q(drift__contains=[query.drift]) if query.drift not in ("", "any") else None,
        "amount_from": None if query.amount_from is None else Q(cco_amount__gte=query.amount_from),
        "amount_to": None if query.amount_to is None else Q(cco_amount__lte=query.amount_to),
        "linked_from": None if query.linked_from is None else Q(linked_at__gte=midnight(query.linked_from)),
        "linked_to": None
        if query.linked_to is None
        else Q(linked_at__lt=midnight(query.linked_to + timedelta(days=1))),
        "linked_by": Q(linked_by_name=query.linked_by) if query.linked_by else None,
    }
    return {name: condition for name, condition in found.items() if condition is not None}


def contains(word: str, *, of: str = "") -> Q:
    """Matches links that contain the word; `of` leads from another model to the link: `link__`."""
    return Q((f"{of}search_text__contains", _looked_for(word)))


def find_links(words: str, *, most: int) -> list[int] | None:
    """The ids of all links that contain these words, ended ones included, in every company.

    None when no index supports the search, and when there are more than `most`.
    """
    looked_for = words.split()
    if not any(_is_known(word) for word in looked_for):
        return None
    found: list[int] = []
    for ended in (False, True):  # active and ended links have separate indexes
        links = ChangeOrderLink.objects.filter(*map(contains, looked_for), unlinked_at__isnull=not ended)
        found += links.values_list("pk", flat=True)[: most + 1 - len(found)]
    return found if len(found) <= most else None


def _is_known(word: str) -> bool:
    return bool(INDEXED_WORD.search(_looked_for(word)))


def _looked_for(word: str) -> str:
    """A search word as it is stored in `search_text`, with blanks around a short one."""
    is_whole = len(word) < SHORT and LETTER.search(word)
    return f" {word.lower()} " if is_whole else word.lower()
