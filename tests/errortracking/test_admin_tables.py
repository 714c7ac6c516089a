"""The admin's tables of error tracking: every one is there, found by its id, never counted, and shows no secret."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import CompositePrimaryKey, Model
from django.test import Client

from errortracking.models import (
    ErrorTrackingSettings,
    Event,
    FrameContent,
    Issue,
    QueuedRequest,
    SetAsideEvent,
    SpikeEvent,
    StackFrame,
    SymbolGarbage,
    partitions,
)
from healthtrack.models import HealthRefresh, SDKVersionTable
from tests.environments.world import World, administrator, make_world, statements
from tests.errortracking.admin_rows import NOW, SECRET, make_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def client(world: World) -> Client:
    return administrator(world)


def address(model: type[Model], *more: Any) -> str:
    return "/".join(["/admin", model._meta.app_label, str(model._meta.model_name), *map(str, more), ""])


def test_every_table_with_a_key_that_django_can_show_is_there(world: World) -> None:
    """But for the sweep's list of what it has to delete, when checks were asked for last, and the versions of SDKs."""
    models = {
        model
        for label in ("errortracking", "healthtrack")
        for model in apps.get_app_config(label).get_models()
        if not isinstance(model._meta.pk, CompositePrimaryKey)
    } - {SymbolGarbage, HealthRefresh, SDKVersionTable}
    assert len(models) == 31
    assert models <= set(admin.site._registry)


def test_every_page_opens_is_not_counted_and_shows_no_secret(world: World, client: Client) -> None:
    rows = make_rows(world.project, world.user)
    assert len(rows) == 29
    for model, row in rows.items():
        for query in (
            "",
            "?q=a",
            f"?q={row.pk}",
            f"?q={UUID(int=3)}",
            "?q=%22",
            "?q=%00",
            f"?environment__id__exact={world.project.pk}",
        ):
            with statements() as sent:
                page = client.get(address(model) + query)
            assert page.status_code == 200, (model, query)
            assert SECRET not in page.content.decode(), model
            counts = [text for text in sent if "count(" in text.lower() and model._meta.db_table in text]
            assert counts == [], (model, query)
        page = client.get(address(model, row.pk, "change"))
        assert page.status_code == 200, model
        text = page.content.decode()
        assert SECRET not in text, model
        assert "<script>alert(1)" not in text
        assert "<script>pay" not in text


@pytest.mark.parametrize("text", ["x", "9" * 20, "9" * 5000, "0" * 31, "25767780-1f06-4bc8-88af-5da8a287fb6a"])
def test_an_unknown_id_leads_back_to_the_start(client: Client, text: str) -> None:
    for model in (Issue, Event, StackFrame, ErrorTrackingSettings):
        response = client.get(address(model, text, "change"))
        assert (response.status_code, response["Location"]) == (302, "/admin/"), model


def found(client: Client, model: type[Model], query: str) -> int:
    page = client.get(address(model), {"q": query})
    return len(page.context["cl"].result_list)


def test_rows_are_found_by_id_and_by_their_texts(world: World, client: Client) -> None:
    rows = make_rows(world.project, world.user)
    Issue.objects.create(environment=world.project, name="Other")
    assert found(client, Issue, "") == 2
    assert found(client, Issue, "oth") == 1
    assert found(client, Issue, str(rows[Issue].pk)) == 1
    assert found(client, Issue, str(uuid4())) == 0
    assert found(client, Event, str(rows[Event].pk)) == 1
    assert found(client, Event, "ann") == 0  # no index leads from a person to events
    assert found(client, FrameContent, "") == 1
    assert found(client, StackFrame, "raw-1") == 1
    assert found(client, StackFrame, "raw") == 0
    assert found(client, SetAsideEvent, str(UUID(int=7))) == 1
    assert found(client, QueuedRequest, str(rows[QueuedRequest].pk)) == 1


def test_an_event_whose_id_two_projects_have_is_shown(world: World, client: Client) -> None:
    """Events' ids come from clients."""
    partitions.ensure([NOW.date()])
    stranger = make_world()
    for project in (world.project, stranger.project):
        Event.objects.create(
            environment=project, id=UUID(int=9), received_at=NOW, timestamp=NOW, distinct_id="ann", payload=b"x"
        )
    assert client.get(address(Event, UUID(int=9), "change")).status_code == 200
    assert found(client, Event, str(UUID(int=9))) == 2


@pytest.mark.parametrize("model", [Issue, Event, StackFrame, FrameContent, QueuedRequest])
def test_lists_follow_the_primary_key(world: World, client: Client, model: type[Model]) -> None:
    """Any other order would sort the whole table; so would a column that a click sorts by."""
    make_rows(world.project, world.user)
    for query in ("", "?o=2"):
        with statements() as sent:
            client.get(address(model) + query)
        table = model._meta.db_table
        orders = [text.partition(" ORDER BY ")[2] for text in sent if f'FROM "{table}"' in text]
        assert [order.partition(" LIMIT")[0] for order in orders] == [
            f'"{table}"."environment_id" DESC, "{table}"."id" DESC'
        ]


def test_a_spike_leads_to_its_issue_by_name(world: World, client: Client) -> None:
    issue = Issue.objects.create(environment=world.project, name="<b>KeyError</b>")
    spike = SpikeEvent.objects.create(
        environment=world.project, issue=issue, detected_at=NOW, computed_baseline=12.5, current_bucket_value=900
    )
    link = f'<a href="/admin/errortracking/issue/{issue.pk}/change/" class="text-primary-600 underline">'
    for page in (client.get(address(SpikeEvent)), client.get(address(SpikeEvent, spike.pk, "change"))):
        text = page.content.decode()
        assert f"{link}&lt;b&gt;KeyError&lt;/b&gt;</a>" in text
        assert "12.5" in text
        assert "900" in text
