"""The support desk in a browser: read aloud, in the dark, and on a narrow screen."""

from tests.browser.axe import findings
from tests.browser.conftest import Visit
from tests.browser.served import Served

OF_A_CCO = (
    "SELECT change_order_id, id, record_number FROM erp_integrations_changeorderlink ORDER BY id LIMIT 1"
)


def test_axe_finds_nothing_at_the_desk_and_nothing_is_cut_off(visit: Visit, demo: Served) -> None:
    [(cco, link, record)] = demo.ask(OF_A_CCO)
    page = visit("support")
    found = []
    for where in (
        "/admin/",
        f"/admin/desk/search/?q={record}",
        f"/admin/desk/change-orders/{cco}/",
        f"/admin/desk/links/{link}/check-now/",
    ):
        for width, scheme in ((1280, "light"), (320, "dark")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.goto(where)
            found += [f"{where}, {scheme}: {line}" for line in findings(page)]
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append(f"{where}: wider than {width}")

    assert not found, "\n".join(found)
