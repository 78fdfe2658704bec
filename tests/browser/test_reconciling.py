"""An ERP admin sets when Sage is compared, by keyboard alone, and reads how the last runs went."""

import pytest
from playwright.sync_api import expect

from tests.browser import pages
from tests.browser.axe import findings
from tests.browser.conftest import Scheme, Visit
from tests.browser.pages import tab_to
from tests.browser.served import Served
from tests.browser.watch import Watch

RUNS = """
    INSERT INTO erp_integrations_reconcilerun (connection_id, state, started_at, expires_at, ended_at,
        actor_name, via, connection_revision, incarnation, change_orders, checked, present, absent, drifted,
        unknown, changed, fault_code, fault_words, fault_advice)
    SELECT connection.id, run.state, now() - run.ago * interval '1 minute', now(), now(), 'Plumbline',
        'QUEUE', 1, '', 1280, run.checked, run.checked, 0, 0, 0, 0, run.code, run.words, run.advice
    FROM erp_integrations_connection connection JOIN companies_company company
        ON company.id = connection.company_id,
    (VALUES ('NO_ANSWER', 1, 0, 'unreachable', 'Sage''s database server cannot be reached.',
             'Try again in a few minutes.'),
            ('IMPLAUSIBLE', 2, 1280, 'implausible', 'The company database holds no change orders at all.',
             'Nothing was recorded.'),
            ('COMPLETE', 3, 1280, '', '', '')) AS run (state, ago, checked, code, words, advice)
    WHERE company.slug = 'harbor-point'"""


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_by_keyboard_through_an_error_to_what_is_stored(
    visit: Visit, watch: Watch, demo: Served, scheme: Scheme, width: int
) -> None:
    watch.expects(422)
    demo.run(RUNS)
    page = visit("erp-admin", scheme=scheme, width=width)
    page.goto(pages.CONNECTION)
    expect(page.get_by_role("main")).to_contain_text("Misconfigured: not believed")
    assert findings(page) == []
    tab_to(page, "#reconciliation summary")
    page.keyboard.press("Enter")
    tab_to(page, "#id_reconcile-most_missing_percent")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("many")
    page.keyboard.press("Enter")

    expect(page.locator("#id_reconcile-most_missing_percent")).to_be_focused()
    expect(page.locator("#id_reconcile-most_missing_percent")).to_be_in_viewport()
    assert findings(page) == []
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("25")
    page.keyboard.press("Enter")

    expect(page.locator("#messages .message-success")).to_contain_text("The settings were stored")
