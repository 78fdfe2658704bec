"""What somebody tries who does not use the page as it was meant."""

from urllib.parse import quote

import pytest
from django.urls import reverse

from companies.models import Level
from tests.invariants import assert_promise_kept, fingerprint
from tests.web.people import browser_of, htmx, list_address, unlink_address
from tests.world import World

NASTY = {
    "quotes": "'\"`; DROP TABLE erp_integrations_linkevent; --",
    "percent": "%s %(company)s %25 %00",
    "brackets": "[{(<script>alert(1)</script>)}] {{ 7 * 7 }} {% load x %}",
    "nul": "steel\x00beam",
    "emoji": "🏗️👷‍♀️ 🧱",
    "right to left": "\u202egnp.exe \u0645\u0631\u062d\u0628\u0627",
    "line ends": "a\r\nSet-Cookie: mine=1\r\n\r\n<html>",
    "very long": "x" * 10_000,
    "lone surrogate": "\udcff",
}


@pytest.mark.parametrize("override", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_a_get_that_calls_itself_a_post_is_a_get(world: World, override: str) -> None:
    cco, client = world.synced_cco(), browser_of(world.person())
    world.delete_in_sage(cco)
    before = fingerprint(world.company.pk)

    answer = client.get(unlink_address(world, cco), {"_method": "POST"}, headers={override: "POST"})

    assert answer.status_code == 405
    assert fingerprint(world.company.pk) == before


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "head", "trace"])
def test_other_methods_do_nothing(world: World, method: str) -> None:
    cco, client = world.synced_cco(), browser_of(world.person())
    world.delete_in_sage(cco)
    before = fingerprint(world.company.pk)

    answer = getattr(client, method)(unlink_address(world, cco))

    assert answer.status_code == 405
    assert fingerprint(world.company.pk) == before


def test_fields_nobody_asked_for_are_not_looked_at(world: World) -> None:
    cco, client = world.synced_cco(), browser_of(world.person())
    link = world.link_of(cco)
    wished = {
        "unlinked_at": "2026-01-01",
        "verdict": "absent",
        "presence": "absent",
        "erp_status": "NOT_IN_ERP",
        "can_push_to_accounting": "on",
        "company_id": "1",
        "change_order_id": "1",
        "force": "true",
    }

    answer = client.post(unlink_address(world, cco), wished, headers=htmx(list_address(world)))

    assert answer.status_code == 409
    assert world.link_of(cco).is_active
    assert world.link_of(cco).row_id == link.row_id
    assert_promise_kept()


def test_htmx_headers_written_by_hand_open_nothing(world: World) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    reader = browser_of(world.person("reader", erp_integrations=Level.READ_ONLY))
    forged = {
        "HX-Request": "true",
        "HX-Boosted": "true",
        "HX-Current-URL": "javascript:alert(1)",
        "HX-Target": "<script>",
        "HX-Trigger-Name": "x\u00ff",
        "HX-Prompt": "yes",
        "HX-History-Restore-Request": "true",
    }

    answer = reader.post(unlink_address(world, cco), headers=forged)

    assert answer.status_code == 403
    assert world.link_of(cco).is_active
    assert "<script>" not in answer.content.decode()


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_no_text_breaks_a_page_that_takes_it(world: World, text: str) -> None:
    world.synced_cco()
    admin = browser_of(world.erp_admin())
    slug = world.company.slug
    raw = quote(text, safe="", errors="surrogatepass")
    asked = [
        admin.get(f"{list_address(world)}?q={raw}"),
        admin.get(f"{list_address(world)}?view={raw}&after={raw}&before={raw}"),
        admin.get(f"/companies/{slug}/sage-sandbox/{raw}/"),
        admin.get(f"/companies/{slug}/projects/{raw}/commitments/"),
        admin.get(f"/companies/{raw}/"),
    ]
    posted = {
        "reason": text,
        "incarnation": text,
        "fault": text,
        "act": text,
        "login": text,
        "password": text,
        "server": text,
        "port": text,
        "database": text,
        "certificate_host": text,
    }
    fields = {
        name: value.encode("utf-8", "surrogatepass").decode("latin-1") for name, value in posted.items()
    }
    asked += [
        admin.post(reverse(name, args=[slug]), fields)
        for name in ("connection-accept", "sandbox-fault", "connection-check")
    ]
    asked.append(browser_of().post(reverse("account_login"), fields))
    page = reverse("connection", args=[slug])
    chosen = {"revision": "1", "security": "checked", "application_name": "Plumbline", "port": ""}
    asked += [admin.post(page, fields), admin.post(page, fields | {"script": "1"})]
    asked += [admin.post(page, fields | chosen), admin.get(page)]

    for answer in asked:
        assert answer.status_code in (200, 302, 404, 422), (answer.status_code, answer.request["PATH_INFO"])
        assert "Set-Cookie: mine" not in str(answer.headers)
        assert "<script>alert(1)" not in answer.content.decode()
        assert "49" not in answer.headers.get("Location", "")
    assert_promise_kept()
