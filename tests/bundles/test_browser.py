"""A bundle's error goes from the real posthog-js in a real Chromium to a live server: its frames are readable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.bundles.project import ShopProject, failures, own_frames
from tests.bundles.shop import CONTEXT, ESBUILD, ROLLUP, WEBPACK, Bundle, places
from tests.bundles.website import Website, served

EACH = pytest.mark.parametrize("bundle", [ESBUILD, ROLLUP, WEBPACK], ids=lambda bundle: bundle.build)


@contextmanager
def website(packages: Path, bundle: Bundle, kind: str, project: ShopProject) -> Iterator[Website]:
    """Serve a page with the bundle that reports to the project."""
    script = packages / "node_modules" / "posthog-js" / "dist" / "array.full.no-external.js"
    site = Website(bundle.folder(kind), script)
    site.report_to(project.url, project.token, modules=bundle.modules)
    with served(site):
        yield site


def throw(browser: Browser, site: Website) -> None:
    """Visit the page: its script throws, and nobody but the SDK catches it."""
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))
    with page.expect_response(lambda answer: "/e/" in answer.url and answer.request.method == "POST") as answered:
        page.goto(f"{site.url}/")
    assert answered.value.status == 200
    assert errors == ["order 2 was not paid"]
    page.close()


@EACH
def test_frames_name_the_source_at_once_where_the_maps_were_uploaded_before(
    browser: Browser, packages: Path, project: ShopProject, bundle: Bundle
) -> None:
    project.upload(bundle)
    with website(packages, bundle, "injected", project) as site:
        throw(browser, site)
        [event] = project.wait_for(1)
    assert places(event) == bundle.written
    assert failures(event) == {None}
    thrown = event["exceptions"][1]["frames"][-1]
    assert (thrown["contents"]["column"], thrown["context"]) == (11, CONTEXT)
    assert {frame["resolved_later"] for frame in own_frames(event)} == {False}


@EACH
def test_frames_name_the_source_after_the_maps_were_uploaded_later(
    browser: Browser, packages: Path, project: ShopProject, bundle: Bundle
) -> None:
    with website(packages, bundle, "injected", project) as site:
        throw(browser, site)
        [event] = project.wait_for(1)
        assert {frame["resolved"] for frame in own_frames(event)} == {False}
        assert failures(event) == {
            f"No sourcemap uploaded for chunk id: {chunk.id}" for chunk in bundle.chunks("injected")
        }
        issue = project.only_issue()
        project.upload(bundle)
        [event] = project.wait_for_source(1, bundle)
        assert {frame["resolved_later"] for frame in own_frames(event)} == {True}
        throw(browser, site)
        newest, _ = project.wait_for_source(2, bundle)
    assert {frame["resolved_later"] for frame in own_frames(newest)} == {False}
    assert project.only_issue() == issue


@EACH
def test_the_first_event_names_the_source_where_scripts_and_maps_can_be_fetched(
    browser: Browser, packages: Path, fetching_project: ShopProject, bundle: Bundle
) -> None:
    with website(packages, bundle, "plain", fetching_project) as site:
        throw(browser, site)
        [event] = fetching_project.wait_for(1)
    assert places(event) == bundle.written
    assert failures(event) == {None}
    assert {frame["resolved_later"] for frame in own_frames(event)} == {False}
    urls = [f"{site.url}/{chunk.name}" for chunk in bundle.chunks("plain")]
    sets = fetching_project.get("symbol_sets/?order_by=ref")["results"]
    assert [row["ref"] for row in sets] == sorted(urls)
    for chunk in bundle.chunks("plain"):
        assert site.asked.count(f"/{chunk.name}") == 2  # by the browser and by the server
        assert site.asked.count(f"/{chunk.name}.map") == 1


@EACH
def test_a_script_that_says_its_chunk_id_leads_to_the_uploaded_map(
    browser: Browser, packages: Path, fetching_project: ShopProject, bundle: Bundle
) -> None:
    """The SDK did not learn the id, as where a script was loaded before it could: the script's last line tells it."""
    fetching_project.upload(bundle)
    with website(packages, bundle, "injected", fetching_project) as site:
        site.files = {
            path: data.replace(b"_posthogChunkIds", b"_chunkIdsOfOther") if path != "/posthog.js" else data
            for path, data in site.files.items()
            if not path.endswith(".map")
        }
        throw(browser, site)
        [event] = fetching_project.wait_for(1)
    assert places(event) == bundle.written
    assert failures(event) == {None}
    assert not [path for path in site.asked if path.endswith(".map")]
