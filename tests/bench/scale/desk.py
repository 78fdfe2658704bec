"""The support desk: Django admin's lists of links, attempts and events, and the page of one, at two sizes."""

from contextlib import ExitStack

from tests.bench.measures import AT_MOST, Measure, Options, measure, ms, sizes
from tests.bench.scale.bases import company
from tests.bench.scale.serving import Act, medians, served, timed

TURNS = 11
GROWS = 2


def admin_lists(options: Options) -> list[Measure]:
    """First page, deepest, filtered, searched; the page of one row."""
    few, _some, many = sizes(options.links)
    acts: list[Act[tuple[str, int]]] = []
    with ExitStack() as ends:
        for links in (few, many):
            one = ends.enter_context(company(links))
            one.inside("attempts")
            support = ends.enter_context(served(one)).visitor("peer")
            acts += [
                ((page, links), TURNS, timed(support, address, "support desk"))
                for page, address in one.inside("desk_pages").items()
            ]
        took = medians(acts)
    return [
        measure(
            f"support desk, {page}, {many:,} links against {few:,}",
            ours=ms(took[page, many]),
            peer=ms(took[page, few]),
            ratio=took[page, many] / took[page, few],
            sense=AT_MOST,
            goal=GROWS,
        )
        for page, links in took
        if links == many
    ]
