"""The real posthog-node reports to a live server, and a client with a key reads the frames back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.node import run_node
from tests.sdk.tools import Project


def own(frames: list[dict[str, Any]]) -> set[tuple[str, int]]:
    """Return function and line of the program's own frames; which frames Node itself adds differs by its version."""
    return {
        (frame["contents"]["resolved_name"], frame["contents"]["line"])
        for frame in frames
        if frame["contents"]["in_app"] and frame["contents"]["source"].endswith("shop.mjs")
    }


def test_a_chained_error_becomes_its_frames(project: Project, node_folder: Path) -> None:
    run_node(node_folder, "shop.mjs", project.url, project.token)
    frames = project.frames(at_least=7)
    assert {("checkout", 20), ("total", 12), ("priceOf", 5)} <= own(frames)
    [frame] = [f for f in frames if f["contents"]["resolved_name"] == "priceOf"]
    assert frame["context"]["line"] == {"number": 5, "line": "  return { tea: 3 }[article].toFixed(2)"}
    assert frame["context"]["before"][0] == {"number": 4, "line": "function priceOf(article) {"}
    assert frame["context"]["after"][0] == {"number": 6, "line": "}"}
    assert frame["contents"]["lang"] == "javascript"
    assert frame["contents"]["resolved"] is True
    assert "column" not in frame["contents"] or frame["contents"]["column"] is None


def test_frames_of_node_itself_are_not_the_programs(project: Project, node_folder: Path) -> None:
    run_node(node_folder, "shop.mjs", project.url, project.token)
    frames = project.frames(at_least=7)
    assert all(not f["contents"]["in_app"] for f in frames if f["contents"]["source"].startswith("node:"))


def test_a_text_is_an_exception_too(project: Project, node_folder: Path) -> None:
    run_node(node_folder, "shop.mjs", project.url, project.token, "text")
    assert project.frames(at_least=1)


def test_an_unhandled_rejection_is_reported(project: Project, node_folder: Path) -> None:
    run_node(node_folder, "shop.mjs", project.url, project.token, "unhandled", expect=1)
    assert 28 in {line for _, line in own(project.frames(at_least=1))}
