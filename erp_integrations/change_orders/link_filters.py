"""Which links a view, its filters and a search choose, so that an index can walk them in the list's order."""

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
"""Words shorter than this are found as whole words only: one letter stands everywhere."""

LETTER = re.compile(r"[^\W_]")
KNOWN_TO_INDEX = re.compile(r"[^\W_]{3}|[\W_][^\W_]")
"""What the trigram index knows something of: three letters or figures in a row, or where a word begins."""

WALKED = {
    "project": (("project",), ("gone",), ("drifted",), ("company",), ("presence",)),
    "company": (("company",),),
    "amount": (("amount_from", "amount_to"),),
    "number": (),
    "linked": (("linked_from", "linked_to", "linked_by"),),
}
"""Sort -> the conditions, the narrowest first, with which an index holds the links in its order."""


def active_links(company: Company) -> QuerySet[ChangeOrderLink]:
    """By the connection's own id, which every index of the list begins with."""
    return ChangeOrderLink.objects.filter(connection=connection_id_of(company), unlinked_at=None)


def connection_id_of(company: Company) -> int:
    """0, which names none, where there is none."""
    connection = connection_of(company)
    return connection.pk if connection else 0


def filter_links(company: Company, asked: ListQuery) -> tuple[QuerySet[ChangeOrderLink], Q | None]:
    """The links that an index walks in the order asked for, and what they must fit besides; None: nothing."""
    conditions = _conditions(asked)
    links = active_links(company)
    for names in WALKED[asked.sort]:
        if walked := [conditions.pop(name) for name in names if name in conditions]:
            links = links.filter(*walked)
            break
    words = [contains(word) for word in asked.q.split()]
    rest = [*conditions.values(), *words]
    return links, Q(*rest) if rest else None


def filtered_links(company: Company, asked: ListQuery) -> QuerySet[ChangeOrderLink]:
    """The same links, in no order."""
    links, rest = filter_links(company, asked)
    return links if rest is None else links.filter(rest)


def is_indexed(asked: ListQuery) -> bool:
    """Whether an index knows something of what is asked besides the order."""
    words = asked.q.split()
    return not words or bool(_conditions(asked)) or any(_is_known(word) for word in words)


def _conditions(asked: ListQuery) -> dict[str, Q]:
    found: dict[str, Q | None] = {
        "project": Q(project_number=asked.project) if asked.project else None,
        "company": Q(contract_company=asked.company) if asked.company else None,
        "presence": Q(presence=asked.presence) if asked.presence else None,
        "gone": Q(presence__in=GONE) if asked.view == "deleted-in-sage" else None,
        "drifted": ~Q(drift=[]) if asked.drift else None,
        "drift": Q(drift__contains=[asked.drift]) if asked.drift not in ("", "any") else None,
        "amount_from": None if asked.amount_from is None else Q(cco_amount__gte=asked.amount_from),
        "amount_to": None if asked.amount_to is None else Q(cco_amount__lte=asked.amount_to),
        "linked_from": None if asked.linked_from is None else Q(linked_at__gte=midnight(asked.linked_from)),
        "linked_to": None
        if asked.linked_to is None
        else Q(linked_at__lt=midnight(asked.linked_to + timedelta(days=1))),
        "linked_by": Q(linked_by_name=asked.linked_by) if asked.linked_by else None,
    }
    return {name: condition for name, condition in found.items() if condition is not None}


def contains(word: str, *, of: str = "") -> Q:
    """That a link has the word, or another row's link, which `of` leads to: `link__`."""
    return Q((f"{of}search_text__contains", _looked_for(word)))


def find_links(words: str, *, most: int) -> list[int] | None:
    """The ids of all links that have those words, the ended ones too, of every company.

    None where no index knows anything of them, and where there are more than `most`.
    """
    looked_for = words.split()
    if not any(_is_known(word) for word in looked_for):
        return None
    found: list[int] = []
    for ended in (False, True):  # an index knows the ones, and another the others
        links = ChangeOrderLink.objects.filter(*map(contains, looked_for), unlinked_at__isnull=not ended)
        found += links.values_list("pk", flat=True)[: most + 1 - len(found)]
    return found if len(found) <= most else None


def _is_known(word: str) -> bool:
    return bool(KNOWN_TO_INDEX.search(_looked_for(word)))


def _looked_for(word: str) -> str:
    """A word of the search as it stands in `search_text`, with the blanks around it where it is short."""
    is_whole = len(word) < SHORT and LETTER.search(word)
    return f" {word.lower()} " if is_whole else word.lower()
