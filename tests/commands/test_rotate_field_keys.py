"""manage.py rotate_field_keys: every secret sealed anew, so that an old key can be dropped."""

import threading

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.db import connections, transaction
from pytest_django import Settings

from erp_integrations.connections import connect
from erp_integrations.connections.key_rotation import rotate_field_keys
from erp_integrations.erp import registry
from erp_integrations.erp.encryption import CannotDecrypt, decrypt, encrypt
from erp_integrations.models import Connection
from tests import factories
from tests.commands.terminal import manage, run
from tests.world import LINKER, World

SECRET = "SERVER=sage01;DATABASE=Books;UID=plumbline_reader;PWD=hush-hush-72"


@pytest.fixture
def keys(settings: Settings) -> list[str]:
    """Two keys; the older one is in use."""
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_KEYS = [old]
    return [new, old]


def point_at_odbc(world: World, secret: str = SECRET) -> None:
    connect.set_connection(
        company=world.company,
        address=connect.Address(kind=registry.ODBC, database="Books", odbc_string=secret),
        actor=LINKER,
    )


def test_afterwards_the_old_key_can_be_dropped_and_nothing_else_has_changed(
    world: World, settings: Settings, keys: list[str]
) -> None:
    point_at_odbc(world)
    before, events = Connection.objects.values().get(), len(world.events())
    settings.FIELD_KEYS = keys

    first, second = run("rotate_field_keys", "--json"), run("rotate_field_keys")

    assert first.code == second.code == 0
    assert first.lines == [{"sealed_anew": 1, "already": 0, "closed": []}]
    assert "Sealed anew: 0. Already sealed with the newest key: 1." in second.out
    settings.FIELD_KEYS = keys[:1]
    after = Connection.objects.values().get()
    assert decrypt(after["odbc_string_encrypted"]) == SECRET
    assert registry.spec_of(world.fresh_connection()).odbc_string == SECRET
    sealed = {"odbc_string_encrypted": ""}
    assert before | sealed == after | sealed, "not the revision either: a look under way may go on"
    assert len(world.events()) == events
    settings.FIELD_KEYS = keys[1:]
    with pytest.raises(CannotDecrypt):
        decrypt(after["odbc_string_encrypted"])


def test_3_where_a_key_is_missing_and_the_others_are_sealed_anew_all_the_same(
    world: World, settings: Settings, keys: list[str]
) -> None:
    point_at_odbc(world)
    lost = factories.CompanyFactory.create(slug="ridgeline")
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    closed = Connection.objects.create(
        company=lost, kind=registry.ODBC, database="Books", odbc_string_encrypted=encrypt(SECRET)
    ).odbc_string_encrypted
    settings.FIELD_KEYS = keys

    ran = run("rotate_field_keys", "--json")

    assert ran.code == 3
    assert (ran.lines[0]["sealed_anew"], ran.lines[0]["closed"]) == (1, ["ridgeline"])
    assert "keep the old keys until then" in ran.err
    assert Connection.objects.get(company=lost).odbc_string_encrypted == closed


def test_a_practice_company_has_nothing_to_seal(world: World) -> None:
    assert run("rotate_field_keys", "--json").lines == [{"sealed_anew": 0, "already": 0, "closed": []}]


def test_there_is_no_sealed_field_that_it_does_not_know() -> None:
    sealed = [
        (model.__name__, field.name)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.name.endswith("_encrypted")
    ]
    assert sealed == [("Connection", "odbc_string_encrypted")]


def test_a_connection_that_is_set_meanwhile_is_not_set_back(
    committed_world: World, settings: Settings, keys: list[str]
) -> None:
    point_at_odbc(committed_world)
    settings.FIELD_KEYS = keys
    newer = SECRET.replace("72", "73")

    def rotate() -> None:
        rotate_field_keys()
        connections.close_all()

    rotating = threading.Thread(target=rotate)
    with transaction.atomic():
        held = Connection.objects.select_for_update().get()
        rotating.start()
        rotating.join(timeout=0.5)
        assert rotating.is_alive(), "it waits for the row"
        held.odbc_string_encrypted = encrypt(newer)
        held.save()
    rotating.join(timeout=30)

    assert decrypt(Connection.objects.get().odbc_string_encrypted) == newer


def test_a_shell_can_run_it(committed_world: World, settings: Settings) -> None:
    point_at_odbc(committed_world)
    new, old = Fernet.generate_key().decode(), ",".join(settings.FIELD_KEYS)

    ran = manage("rotate_field_keys", "--json", FIELD_KEYS_FILE="", FIELD_KEYS=f"{new},{old}")

    assert (ran.code, ran.lines) == (0, [{"sealed_anew": 1, "already": 0, "closed": []}])
    assert SECRET not in ran.out + ran.err
