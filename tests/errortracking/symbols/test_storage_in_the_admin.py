"""The admin's page of a symbol set: how large its data is, and a link to have it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from errortracking.models import SymbolSet
from errortracking.symbols.storage import Storage, Unavailable, new_key, storage
from errortracking.symbols.storage.database import DatabaseStorage
from tests.environments.world import World, stranger
from tests.errortracking.admin_page import client, world
from tests.errortracking.symbols.storing import object_server, object_store, stored

__all__ = ["client", "object_server", "object_store", "stored", "stranger", "world"]

pytestmark = pytest.mark.django_db


def make_set(world: World, **fields: Any) -> SymbolSet:
    return SymbolSet.objects.create(environment=world.project, ref="chunk", **fields)


def address(symbol_set: SymbolSet, page: str) -> str:
    return f"/admin/errortracking/symbolset/{symbol_set.pk}/{page}/"


def test_the_page_says_how_large_it_is_and_links_to_it(world: World, client: Client) -> None:
    key = new_key()
    storage().write(world.project.pk, key, [b"x" * 1_572_864])
    symbol_set = make_set(world, storage_ptr=key, content_hash="hash")
    text = client.get(address(symbol_set, "change")).content.decode()
    assert "Download 1.5\xa0MB" in text
    assert f'href="{address(symbol_set, "download")}"' in text
    assert key not in text
    assert "signature" not in text


@pytest.mark.parametrize(("key", "said"), [(None, "None."), ("symbolsets/a", "None: it is still awaited.")])
def test_the_page_says_where_there_is_no_data(world: World, client: Client, key: str | None, said: str) -> None:
    text = client.get(address(make_set(world, storage_ptr=key), "change")).content.decode()
    assert said in text
    assert "/download/" not in text


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ('{"JavaScript":{"HttpStatus":[403,"https://shop.example/a.js"]}}', "HTTP error 403 while fetching: https://"),
        ('{"JavaScript":"InvalidSourceAndMap"}', "Invalid Source and Map"),
        ("what another version wrote", "what another version wrote"),
    ],
)
def test_a_failure_is_told_in_words(world: World, client: Client, reason: str, said: str) -> None:
    symbol_set = make_set(world, failure_reason=reason)
    for page in ("/admin/errortracking/symbolset/", address(symbol_set, "change")):
        text = client.get(page).content.decode()
        assert said in text
        assert "{&quot;JavaScript" not in text


def test_the_page_opens_while_the_store_is_away(world: World, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise Unavailable("no route to host")

    monkeypatch.setattr(storage(), "size", away, raising=False)
    page = client.get(address(make_set(world, storage_ptr="symbolsets/a"), "change"))
    assert (page.status_code, "The object store cannot be reached." in page.content.decode()) == (200, True)


def test_the_link_leads_to_the_data(stored: Storage, world: World, client: Client) -> None:
    key = new_key()
    stored.write(world.project.pk, key, [b"data"])
    response = client.get(address(make_set(world, storage_ptr=key), "download"))
    assert response.status_code == 302
    assert "no-store" in response["Cache-Control"]
    if isinstance(stored, DatabaseStorage):
        assert response["Location"].startswith("http://testserver/symbolsets/download?signature=")
        answer = client.get(response["Location"])
        assert b"".join(answer.streaming_content) == b"data"  # type: ignore[attr-defined]
    else:
        assert "X-Amz-Signature=" in response["Location"]


def test_without_data_there_is_nothing_to_download(world: World, client: Client) -> None:
    assert client.get(address(make_set(world), "download")).status_code == 404


def test_who_may_not_see_symbol_sets_is_led_nowhere(world: World, client: Client) -> None:
    symbol_set = make_set(world, storage_ptr="symbolsets/a")
    world.user.is_superuser = False
    world.user.save()
    assert client.get(address(symbol_set, "download")).status_code == 403
    world.user.user_permissions.add(Permission.objects.get(codename="view_symbolset"))
    assert client.get(address(symbol_set, "download")).status_code == 302


def test_only_a_person_of_the_admin_is_led_there(world: World, client: Client) -> None:
    symbol_set = make_set(world, storage_ptr="symbolsets/a")
    response = Client().get(address(symbol_set, "download"))
    assert response["Location"].startswith("/admin/login/")
    assert client.post(address(symbol_set, "download")).status_code == 405
