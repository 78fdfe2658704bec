"""The support search: CCOs by any of their numbers, people and companies. Numbers match whole, by index."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import LPad
from django.urls import reverse

from commitments.models import TIED_TO_NOTHING, CommitmentChangeOrder
from companies.models import Company, User
from erp_integrations.models import ChangeOrderLink, Connection
from erp_integrations.models.links import in_order_of_numbers

MOST_FOUND = 8
"""Most results per group."""
LONGEST_RECORD_NUMBER = 20
LOOKED_THROUGH = 5_000
"""Most ended links that contain the word and are checked for the number."""


@dataclass(frozen=True, slots=True)
class FoundLine:
    words: str
    beside: str
    url: str


@dataclass(frozen=True, slots=True)
class FoundGroup:
    heading: str
    lines: tuple[FoundLine, ...]
    more: bool
    """Whether there are more than these."""


def search(q: str, may: Callable[[str], bool]) -> tuple[FoundGroup, ...]:
    """Results by group, without empty groups; `may` checks permissions. At most 6 queries."""
    q = q.strip()
    if not q:
        return ()
    tied = _links(q, "cco_number", ChangeOrderLink.objects.all())
    groups = [
        _group("CCOs by their own number", (*tied, *_free(q))),
        _group("CCOs by Sage change number", _links(q, "number", _by_change_number(q))),
        _group("CCOs by Sage record number", _links(q, "record_number", _by_record_number(q))),
    ]
    if may("companies.view_user"):
        groups.append(_group("People", _people(q)))
    if may("companies.view_company"):
        groups.append(_group("Companies", _companies(q)))
    return tuple(group for group in groups if group.lines)


def _group(heading: str, found: Iterable[FoundLine]) -> FoundGroup:
    lines = tuple({line.url: line for line in found}.values())
    return FoundGroup(heading, lines[:MOST_FOUND], more=len(lines) > MOST_FOUND)


# --- CCOs ----------------------------------------------------------------------------------------

OF_A_LINK = (
    *("pk", "change_order_id", "cco_number", "cco_title", "number", "record_number", "unlinked_at"),
    *("project_name", "company_name"),
)


def _closed_with_the_word(q: str) -> QuerySet[ChangeOrderLink]:
    """Matches the word between blanks, so that the trigram index finds short words, too."""
    with_word = ChangeOrderLink.objects.filter(
        search_text__contains=f" {q.lower()} ", unlinked_at__isnull=False
    )
    return ChangeOrderLink.objects.filter(pk__in=with_word.values("pk")[:LOOKED_THROUGH])


def _by_change_number(q: str) -> QuerySet[ChangeOrderLink]:
    return _of_any_connection().filter(erp_number_order=in_order_of_numbers(Value(q)))


def _by_record_number(q: str) -> QuerySet[ChangeOrderLink]:
    if len(q) > LONGEST_RECORD_NUMBER:
        return ChangeOrderLink.objects.none()
    return _of_any_connection().filter(record_order=LPad(Value(q), LONGEST_RECORD_NUMBER, Value("0")))


def _of_any_connection() -> QuerySet[ChangeOrderLink]:
    """The indexes begin with the connection, one per company."""
    return ChangeOrderLink.objects.filter(connection__in=Connection.objects.values("pk"))


def _links(q: str, column: str, by_index: QuerySet[ChangeOrderLink]) -> list[FoundLine]:
    """Links with that value in the column, active ones first. One query."""
    active = by_index.filter(unlinked_at=None)
    closed = _closed_with_the_word(q).order_by("-unlinked_at")
    of_active, of_closed = (
        links.filter(**{f"{column}__iexact": q})
        .annotate(company_name=F("connection__company__name"))
        .values_list(*OF_A_LINK, named=True)[: MOST_FOUND + 1]
        for links in (active, closed)
    )
    return [
        FoundLine(
            words=f"CCO {link.cco_number} {link.cco_title}",
            beside=", ".join(
                (
                    link.company_name,
                    link.project_name,
                    f"Sage {link.number}, record {link.record_number}",
                    *(("unlinked",) if link.unlinked_at else ()),
                )
            ),
            url=_page_of(link.change_order_id, link.pk),
        )
        for link in of_active.union(of_closed, all=True)
    ]


def _page_of(change_order_id: int | None, link_id: int) -> str:
    if change_order_id is None:
        return reverse("admin:desk-link", args=[link_id])
    return reverse("admin:desk-change-order", args=[change_order_id])


def _free(q: str) -> list[FoundLine]:
    """CCOs without an active link."""
    found = CommitmentChangeOrder.objects.filter(number__iexact=q, erp_status__in=TIED_TO_NOTHING)
    lines = []
    for cco in found.select_related("commitment__project__company")[: MOST_FOUND + 1]:
        project = cco.commitment.project
        lines.append(
            FoundLine(
                words=str(cco),
                beside=f"{project.company}, {project}, {cco.get_erp_status_display()}",
                url=reverse("admin:desk-change-order", args=[cco.pk]),
            )
        )
    return lines


# --- people and companies ------------------------------------------------------------------------


def _people(q: str) -> Iterable[FoundLine]:
    """By a part of the username, mail address or names; there are thousands of people at most."""
    fits = Q()
    for word in q.split():
        fits &= (
            Q(username__icontains=word)
            | Q(email__icontains=word)
            | Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
        )
    found = User.objects.filter(fits).order_by("username")
    return (
        FoundLine(
            words=f"{person.name} ({person.username})",
            beside=", ".join(filter(None, (person.email, "" if person.is_active else "not active"))),
            url=reverse("admin:companies_user_change", args=[person.pk]),
        )
        for person in found[: MOST_FOUND + 1]
    )


def _companies(q: str) -> Iterable[FoundLine]:
    found = Company.objects.filter(Q(name__icontains=q) | Q(slug__icontains=q)).order_by("name", "pk")
    return (
        FoundLine(
            words=company.name,
            beside=company.slug,
            url=reverse("admin:companies_company_change", args=[company.pk]),
        )
        for company in found[: MOST_FOUND + 1]
    )
