"""OPTIONS: what an endpoint is, without touching any row."""

from __future__ import annotations

import pytest

from tests.environments.world import World, answer, statements


@pytest.mark.parametrize("path", ["error_tracking/releases/", "error_tracking/releases/nonsense/"])
def test_options_describes_the_endpoint_and_looks_nothing_up(world: World, path: str) -> None:
    api = world.api()
    with statements() as sent:
        status, body = answer(api.request("OPTIONS", path))
    assert status == 200
    assert set(body) == {"name", "description", "renders", "parses"}
    assert body["renders"] == ["application/json"]
    assert body["parses"] == ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]
    assert not [statement for statement in sent if "errortracking_" in statement]


def test_options_needs_credentials(world: World) -> None:
    assert world.anonymous().request("OPTIONS", "error_tracking/releases/").status_code == 401
