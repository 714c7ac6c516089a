"""A bundle's error, which nobody catches, goes from the real posthog-node to a live server: its frames are readable."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bundles.project import ShopProject, failures, own_frames
from tests.bundles.shop import CONTEXT, ESBUILD, ROLLUP, WEBPACK_NODE, Bundle, places
from tests.node import run_node

EACH = pytest.mark.parametrize("bundle", [ESBUILD, ROLLUP, WEBPACK_NODE], ids=lambda bundle: bundle.build)


def throw(packages: Path, project: ShopProject, bundle: Bundle) -> None:
    """Run the bundle, which ends with an error that nobody caught."""
    script = bundle.folder("injected") / bundle.main
    run_node(packages, "run.mjs", project.url, project.token, str(script), expect=1)


@EACH
def test_frames_name_the_source_at_once_where_the_maps_were_uploaded_before(
    packages: Path, project: ShopProject, bundle: Bundle
) -> None:
    release = project.upload(bundle, release="1.0")
    throw(packages, project, bundle)
    [event] = project.wait_for(1)
    assert places(event) == bundle.written
    assert failures(event) == {None}
    thrown = event["exceptions"][1]["frames"][-1]
    assert (thrown["contents"]["column"], thrown["context"]) == (11, CONTEXT)
    assert {frame["resolved_later"] for frame in own_frames(event)} == {False}
    main, prices = bundle.chunks("injected")
    rows = {row["raw_id"]: row for row in project.frames(at_least=6)}
    shown = [rows[frame["raw_id"]] for frame in own_frames(event)]
    assert [row["symbol_set_ref"] for row in shown] == [main.id] * 6 + [prices.id]
    assert {row["release"]["id"] for row in shown} == {release}
    assert (event["release"]["project"], event["release"]["version"]) == ("shop", "1.0")


@EACH
def test_frames_name_the_source_after_the_maps_were_uploaded_later(
    packages: Path, project: ShopProject, bundle: Bundle
) -> None:
    throw(packages, project, bundle)
    [event] = project.wait_for(1)
    assert failures(event) == {f"No sourcemap uploaded for chunk id: {chunk.id}" for chunk in bundle.chunks("injected")}
    assert {source for stack in places(event).values() for source, _, _ in stack} == {None}
    issue = project.only_issue()
    project.upload(bundle)
    [event] = project.wait_for_source(1, bundle)
    assert {frame["resolved_later"] for frame in own_frames(event)} == {True}
    throw(packages, project, bundle)
    newest, _ = project.wait_for_source(2, bundle)
    assert {frame["resolved_later"] for frame in own_frames(newest)} == {False}
    assert project.only_issue() == issue


def test_maps_may_come_one_after_the_other(packages: Path, project: ShopProject) -> None:
    throw(packages, project, ESBUILD)
    project.wait_for(1)
    issue = project.only_issue()
    main, prices = ESBUILD.chunks("injected")
    project.upload(ESBUILD, only=main)
    waiting = {None, f"No sourcemap uploaded for chunk id: {prices.id}"}
    project.wait_for(1, lambda event: failures(event) == waiting)
    throw(packages, project, ESBUILD)
    project.wait_for(2, lambda event: failures(event) == waiting)
    project.upload(ESBUILD, only=prices)
    project.wait_for_source(2, ESBUILD)
    throw(packages, project, ESBUILD)
    project.wait_for_source(3, ESBUILD)
    assert project.only_issue() == issue
