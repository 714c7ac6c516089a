"""The real posthog-python reports to a live server, and a client with a key reads the frames back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sdk.tools import Project, run_python

# The seven frames of shop.py's three chained exceptions: function, line, text of the line.
FRAMES = {
    ("<module>", 43, "            checkout(order)"),
    ("checkout", 25, "        raise RuntimeError(f\"checkout of order {order['number']} failed\") from error"),
    ("checkout", 23, "        return total(order)"),
    ("total", 18, "        raise ValueError(f\"no price in order {order['number']}\") from error"),
    ("total", 16, '        return sum(price_of(article) for article in order["articles"])'),
    ("<genexpr>", 16, '        return sum(price_of(article) for article in order["articles"])'),
    ("price_of", 11, '    return {"tea": 3 + secret_discount}[article]'),
}


def seen(frames: list[dict[str, Any]]) -> set[tuple[str, int, str]]:
    return {
        (frame["contents"]["resolved_name"], frame["contents"]["line"], frame["context"]["line"]["line"])
        for frame in frames
    }


@pytest.mark.parametrize("option", ["plain", "gzip", "sync"])
def test_a_chained_exception_becomes_its_frames(project: Project, option: str) -> None:
    run_python("shop.py", project.url, project.token, option)
    assert seen(project.frames(at_least=7)) == FRAMES


def test_a_frame_holds_what_the_sdk_sent(project: Project) -> None:
    run_python("shop.py", project.url, project.token)
    [frame] = [f for f in project.frames(at_least=7) if f["contents"]["resolved_name"] == "price_of"]
    contents = frame["contents"]
    raw_id, part = frame["raw_id"].split("/")
    assert (len(raw_id), part) == (128, "0")
    assert contents["raw_id"] == frame["raw_id"]
    assert contents["mangled_name"] == "price_of"
    assert contents["source"].endswith("shop.py")
    assert contents["module"] == "__main__"
    assert contents["lang"] == "python"
    assert (contents["in_app"], contents["resolved"], contents["synthetic"], contents["suspicious"]) == (
        True,
        True,
        False,
        False,
    )
    assert frame["resolved"] is True
    assert frame["symbol_set_ref"] is None
    assert frame["release"] is None
    # Nearest line first before the line, in the file's order after it.
    assert [(line["number"], line["line"]) for line in frame["context"]["before"]] == [
        (10, "    secret_discount = 7"),
        (9, "def price_of(article: str) -> int:"),
        (8, ""),
        (7, ""),
        (6, "from posthog import Posthog"),
    ]
    assert [(line["number"], line["line"]) for line in frame["context"]["after"]] == [
        (12, ""),
        (13, ""),
        (14, "def total(order: dict[str, Any]) -> int:"),
        (15, "    try:"),
        (16, '        return sum(price_of(article) for article in order["articles"])'),
    ]


def test_local_variables_do_not_stand_in_the_shared_frame(project: Project) -> None:
    run_python("shop.py", project.url, project.token, "1", "variables")
    frames = project.frames(at_least=7)
    assert all("code_variables" not in frame["contents"] for frame in frames)
    assert "secret_discount" not in {key for frame in frames for key in frame["contents"]}


def test_many_occurrences_share_their_frames(project: Project) -> None:
    uuids = run_python("shop.py", project.url, project.token, "25").split()
    assert len(set(uuids)) == 25
    assert len(project.frames(at_least=7)) == 7


def test_an_uncaught_exception_is_reported_when_the_program_ends(project: Project) -> None:
    run_python("shop.py", project.url, project.token, "uncaught", expect=1)
    lines = {(name, line) for name, line, _ in seen(project.frames(at_least=7))}
    assert ("<module>", 40) in lines
    assert ("price_of", 11) in lines


def test_batch_get_finds_a_frame_by_the_id_that_the_list_shows(project: Project) -> None:
    import requests

    run_python("shop.py", project.url, project.token)
    wanted = project.frames(at_least=7)[0]
    answer = requests.post(
        f"{project.url}/api/projects/{project.environment_id}/error_tracking/stack_frames/batch_get",
        json={"raw_ids": [wanted["raw_id"]]},
        headers={"Authorization": f"Bearer {project.key}"},
        timeout=30,
    )
    assert answer.status_code == 200
    assert answer.json() == {"results": [wanted]}
