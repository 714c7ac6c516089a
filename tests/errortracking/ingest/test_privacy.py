"""What of a request never reaches the database, by settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from prometheus_client import REGISTRY

from errortracking.models import payload
from tests.errortracking.ingest.conftest import TOKEN, an_event

JSON = "application/json"
MASK = "$$_posthog_redacted_based_on_masking_rules_$$"
Stored = Callable[[], list[payload.Payload]]


def send(client: Client, **properties: Any) -> None:
    body = json.dumps({"api_key": TOKEN, "batch": [an_event(properties=properties)]})
    assert client.post("/batch/", body, content_type=JSON, REMOTE_ADDR="192.0.2.7").status_code == 200


def counted(kind: str) -> float:
    return REGISTRY.get_sample_value("healthtrack_ingest_masked_values_total", {"kind": kind}) or 0.0


def test_secrets_are_masked_before_the_request_is_queued_and_counted(client: Client, stored: Stored) -> None:
    before = counted("name"), counted("card")
    send(client, user={"password": "hunter2"}, note="paid with 4111 1111 1111 1111")
    [request] = stored()
    assert request["events"][0]["properties"] == {"user": {"password": MASK}, "note": f"paid with {MASK}"}
    assert (counted("name") - before[0], counted("card") - before[1]) == (1.0, 1.0)


def test_secrets_of_capture_v1_are_masked_too(client: Client, stored: Stored) -> None:
    body = json.dumps({"created_at": "2026-11-22T01:28:44Z", "batch": [an_event(properties={"api_key": "abc"})]})
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert client.post("/i/v1/analytics/events", body, content_type=JSON, headers=headers).status_code == 200
    assert stored()[0]["events"][0]["properties"]["api_key"] == MASK


def test_masking_is_switched_off_by_a_setting(client: Client, stored: Stored, settings: Any) -> None:
    settings.MASK_SECRETS = False
    send(client, user={"password": "hunter2"})
    assert stored()[0]["events"][0]["properties"] == {"user": {"password": "hunter2"}}


def test_the_clients_address_is_kept_by_default(client: Client, stored: Stored) -> None:
    send(client, **{"$ip": "198.51.100.3"})
    [request] = stored()
    assert request["ip"] == "192.0.2.7"
    assert request["events"][0]["properties"] == {"$ip": "198.51.100.3"}


def test_no_address_is_kept_where_none_may_be(client: Client, stored: Stored, settings: Any) -> None:
    settings.KEEP_CLIENT_IP = False
    send(client, **{"$ip": "198.51.100.3", "a": 1})
    [request] = stored()
    assert request["ip"] is None
    assert request["events"][0]["properties"] == {"a": 1}


@pytest.mark.parametrize("setting", ["KEEP_CLIENT_IP", "MASK_SECRETS"])
def test_both_are_on_by_default(setting: str, settings: Any) -> None:
    assert getattr(settings, setting) is True
