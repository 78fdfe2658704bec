"""What the support desk's lists are measured over: acts of `inside.py`."""


def attempts() -> None:
    """An attempt for every link, as if each had been tried once: one in a hundred got no answer."""
    from django.db import connection as database

    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO erp_integrations_unlinkattempt (link_id, state, verdict, reason, proof, evidence,"
            " started_at, expires_at, ended_at, actor_id, actor_name, via, connection_revision)"
            " SELECT id, CASE WHEN id % 100 = 0 THEN 'NO_ANSWER' ELSE 'STILL_IN_ERP' END,"
            " CASE WHEN id % 100 = 0 THEN 'unknown' ELSE 'present' END, '', '', '{}',"
            " linked_at, linked_at + interval '30 seconds', linked_at + interval '1 second',"
            " 1, linked_by_name, 'PAGE', 1 FROM erp_integrations_changeorderlink ORDER BY id"
        )
        cursor.execute("VACUUM (ANALYZE) erp_integrations_unlinkattempt")


def desk_pages() -> dict[str, str]:
    """Pages of the admin over what there is as much of as there are links: what each is -> its address.

    Each is filtered by what none has, or the oldest row alone: a filter finds no page worse.
    """
    from commitments.models import CommitmentChangeOrder
    from erp_integrations.models import ChangeOrderLink, LinkEvent, UnlinkAttempt
    from tests.bench.load.company_data import COMMON_WORD, RARE_WORD

    pages: dict[str, str] = {}
    for model, name, filtered in (
        (ChangeOrderLink, "links", "presence__exact=ambiguous"),
        (UnlinkAttempt, "attempts", "state__exact=NOT_ALLOWED"),
        (LinkEvent, "events", "kind__exact=CONNECTION_SET"),
        (CommitmentChangeOrder, "CCOs", "erp_status__exact=NOT_IN_ERP"),
    ):
        last = model._default_manager.order_by("pk").values_list("pk", flat=True)[50]
        address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        pages |= {
            f"{name}, first": address,
            f"{name}, deepest": f"{address}?p=after-{last}",
            f"{name}, filtered": f"{address}?{filtered}",
            f"{name}, searched, rare word": f"{address}?q={RARE_WORD}",
            f"{name}, searched, common word": f"{address}?q={COMMON_WORD}",
            f"{name}, one": f"{address}{last}/change/",
        }
    return pages
