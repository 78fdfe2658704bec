"""Signing in and out: by accounts that support made, with limits that hold across processes."""

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from pytest_django import Settings

from companies.models import User
from tests import factories
from tests.web.pages import page_of
from tests.web.people import browser_of

PASSWORD = "a-password-of-theirs"


@pytest.fixture
def person(db: None) -> User:
    user: User = factories.UserFactory.create(username="approver")
    user.set_password(PASSWORD)
    user.save()
    return user


def sign_in(client: Client, password: str = PASSWORD, username: str = "approver") -> int:
    """The status of the answer: 302 when signed in, 200 for the form again."""
    return client.post("/sign-in/", {"login": username, "password": password}).status_code


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_the_right_password_signs_in(person: User) -> None:
    client = Client()

    assert sign_in(client) == 302
    assert is_signed_in(client)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("approver", "wrong"),
        ("approver", ""),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("approver\x00", PASSWORD),
        ("a" * 10_000, PASSWORD),
        ("' OR 1=1 --", "' OR 1=1 --"),
    ],
)
def test_anything_else_does_not_and_does_not_tell_whether_the_name_exists(
    person: User, username: str, password: str
) -> None:
    client = Client()

    answer = client.post("/sign-in/", {"login": username, "password": password})

    assert answer.status_code == 200
    assert not is_signed_in(client)
    if username in ("approver", "nobody") and password:
        assert "The username and/or password you specified are not correct." in page_of(answer).text


def test_an_inactive_person_is_not_let_in(person: User) -> None:
    person.is_active = False
    person.save()
    client = Client()

    answer = client.post("/sign-in/", {"login": "approver", "password": PASSWORD}, follow=True)

    assert not is_signed_in(client)
    assert answer.status_code == 200
    assert page_of(answer).texts("h1") == ["This account is switched off"]


def test_deactivating_a_person_ends_their_open_session_at_once(person: User) -> None:
    client = browser_of(person)
    assert client.get("/").status_code == 200

    person.is_active = False
    person.save()

    assert client.get("/").status_code == 302


def test_after_repeated_failures_even_the_right_password_must_wait(person: User) -> None:
    client = Client()
    for _ in range(5):
        assert sign_in(client, "wrong") == 200

    answer = client.post("/sign-in/", {"login": "approver", "password": PASSWORD})

    assert not is_signed_in(client)
    assert "Too many failed login attempts" in page_of(answer).text
    other = Client()
    sign_in(other)
    assert not is_signed_in(other), "the limit is not the browser's"


@pytest.mark.parametrize("proxies", [0, 1])
def test_behind_a_proxy_one_persons_failures_keep_nobody_else_out(
    person: User, settings: Settings, proxies: int
) -> None:
    """What a browser writes into the header itself does not count: only what the proxy added, at its end."""
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    for number in range(11):
        forged = Client(headers={"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.7"})
        sign_in(forged, "wrong", f"name-{number}")

    same, other = (Client(headers={"X-Forwarded-For": end}) for end in ("203.0.113.7", "203.0.113.8"))

    for client, let_in in ((same, False), (other, proxies == 1)):
        sign_in(client)
        assert is_signed_in(client) == let_in


def test_the_limit_is_kept_in_the_database(person: User) -> None:
    """So that it counts across processes and machines."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_cache")
        before = cursor.fetchone()
        sign_in(Client(), "wrong")
        cursor.execute("SELECT count(*) FROM django_cache")
        after = cursor.fetchone()
    assert after > before


def test_the_session_gets_a_new_key_at_sign_in(person: User) -> None:
    """A key that somebody planted before is worth nothing afterwards."""
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    client.cookies["plumbline_session"] = planted or ""

    assert sign_in(client) == 302

    assert client.cookies["plumbline_session"].value != planted
    stranger = Client()
    stranger.cookies["plumbline_session"] = planted or ""
    assert not is_signed_in(stranger)


def test_signing_out_is_a_post_and_ends_the_session(person: User) -> None:
    client = browser_of(person)
    asked = client.get("/sign-out/")
    assert asked.status_code == 200
    assert page_of(asked).one("main").one("form")["method"] == "post"
    assert is_signed_in(client)
    cookie = client.cookies["plumbline_session"].value

    answer = client.post("/sign-out/")

    assert answer.status_code == 302
    assert answer["Location"] == "/sign-in/"
    stolen = Client()
    stolen.cookies["plumbline_session"] = cookie
    assert stolen.get("/").status_code == 302


def test_sign_out_without_its_token_does_nothing(person: User) -> None:
    client = browser_of(person, enforce_csrf_checks=True)

    assert client.post("/sign-out/").status_code == 403
    assert is_signed_in(client)


@pytest.mark.parametrize(
    "address",
    [
        *("/sign-up/", "/signup/", "/accounts/signup/", "/account/signup/", "/accounts/", "/accounts/login/"),
        *("/account/", "/sign-up", "/register/", "/password/reset/", "/account/password/reset/"),
    ],
)
def test_nobody_signs_up(person: User, address: str) -> None:
    words = {"username": "new", "password1": PASSWORD, "password2": PASSWORD, "email": "new@example.com"}
    for client in (Client(), browser_of(person)):
        assert client.get(address).status_code == 404
        assert client.post(address, words).status_code == 404
    assert get_user_model().objects.count() == 1


def test_the_sign_in_page_offers_no_sign_up(db: None) -> None:
    page = page_of(Client().get("/sign-in/"))

    assert "sign up" not in page.text.lower()
    assert "Support makes accounts" in page.text
    [form] = page.one("main").all("form")
    assert [field.get("autocomplete") for field in form.all("input") if field.get("type") == "password"] == [
        "current-password"
    ]


def test_the_signed_in_person_changes_their_own_password(person: User) -> None:
    client = browser_of(person)
    page = client.get("/account/password/")
    assert page.status_code == 200

    client.post(
        "/account/password/",
        {"oldpassword": PASSWORD, "password1": "another-one-entirely", "password2": "another-one-entirely"},
    )

    person.refresh_from_db()
    assert person.check_password("another-one-entirely")


def test_signing_in_by_name_does_not_mind_case_and_never_meets_two_people(person: User) -> None:
    client = Client()

    assert sign_in(client, username="APPROVER") == 302
    assert is_signed_in(client)
