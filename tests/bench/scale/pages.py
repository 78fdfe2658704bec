"""The synced page: complete, over HTTP, at three sizes, against the bare page and Django's own list."""

from contextlib import ExitStack

from tests.bench.load.company_data import COMMON_WORD, RARE_WORD
from tests.bench.measures import AT_LEAST, AT_MOST, Measure, Options, measure, ms, sizes
from tests.bench.scale.bases import SLUG, company
from tests.bench.scale.serving import LIST, Act, medians, served, timed

TURNS = 21
TURNS_OF_PEER = 3
FILTERED = "linked_by=approver&amount_from=1000"
GROWS, GROWS_WITH_COMMON_WORD = 1.3, 5
OVER_FLOOR = 5
FASTER_THAN_PEER = {"first": 5, "deepest": 20}

Key = tuple[str, str, int]
"""Whose, which page, links."""


def synced_page(options: Options) -> list[Measure]:
    """Fifty rows with everything around them: first, deepest, filtered, searched."""
    few, some, many = sizes(options.links)
    with ExitStack() as ends:
        acts: list[Act[Key]] = []
        for links in (few, some, many):
            one = ends.enter_context(company(links))
            server = ends.enter_context(served(one))
            visitor, support = server.visitor(), server.visitor("peer")
            for which, query in _pages(one.inside("deepest")).items():
                acts += [
                    (("ours", which, links), TURNS, timed(visitor, f"{LIST}/?{query}", 'id="cco-')),
                    (
                        ("floor", which, links),
                        TURNS,
                        timed(visitor, f"/bench/{SLUG}/floor/?{query}", "<tr>"),
                    ),
                ]
            for which, query in (("first", ""), ("deepest", f"?p={(links + 49) // 50}")):
                address = f"/bench/admin/erp_integrations/changeorderlink/{query}"
                acts.append((("peer", which, links), TURNS_OF_PEER, timed(support, address, "<tr>")))
        took = medians(acts)
    return _rows(took, few, some, many)


def _pages(deepest: int) -> dict[str, str]:
    """Which page -> what its address asks for."""
    return {
        "first": "",
        "deepest": f"after={deepest}",
        "filtered": FILTERED,
        "searched, rare word": f"q={RARE_WORD}",
        "searched, common word": f"q={COMMON_WORD}",
    }


def _rows(took: dict[Key, float], few: int, some: int, many: int) -> list[Measure]:
    measures = []
    for which in dict.fromkeys(page for whose, page, _ in took if whose == "ours"):
        least = took["ours", which, few]
        goal = GROWS_WITH_COMMON_WORD if which.endswith("common word") else GROWS
        for links in (some, many):
            ours = took["ours", which, links]
            measures.append(
                measure(
                    f"synced page, {which}, {links:,} links against {few:,}",
                    ours=ms(ours),
                    peer=ms(least),
                    ratio=ours / least,
                    sense=AT_MOST,
                    goal=goal,
                )
            )
        ours, floor = took["ours", which, many], took["floor", which, many]
        measures.append(
            measure(
                f"synced page, {which}, {many:,} links, against the same rows bare",
                ours=ms(ours),
                limit=ms(floor),
                ratio=ours / floor,
                sense=AT_MOST,
                goal=OVER_FLOOR,
            )
        )
    for which, goal in FASTER_THAN_PEER.items():
        ours, peer = took["ours", which, many], took["peer", which, many]
        measures.append(
            measure(
                f"synced page, {which}, {many:,} links, against Django admin's change list",
                ours=ms(ours),
                peer=ms(peer),
                ratio=peer / ours,
                sense=AT_LEAST,
                goal=goal,
            )
        )
    return measures
