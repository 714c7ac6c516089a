"""A script and its map that were fetched become a symbol set, and so does the reason why they could not be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from environments import clock
from environments.models import Project
from errortracking.models import SymbolChunk, SymbolGarbage, SymbolSet
from errortracking.pipeline import resolve_again
from errortracking.symbols import bringing, fetching, parser
from errortracking.symbols.failures import Failure
from errortracking.symbols.fetching import ChunkId, Fetched
from tests.errortracking.pipeline.making import NOON, queue, send, turn
from tests.errortracking.pipeline.mapping import (
    CALLED,
    SCRIPT,
    URL,
    answers,
    contents_of,
    jobs,
    source_map,
    thrown,
    upload,
    web,
)

OTHER = "https://shop.example/assets/vendor.js"


@pytest.fixture(autouse=True)
def parsing_ends() -> Iterator[None]:
    yield
    parser.close()


def test_what_was_fetched_is_a_symbol_set(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, Fetched(SCRIPT.encode(), source_map().encode()))
    with clock.stopped_at(NOON):
        bringing.bring(project.id, URL)

    row = SymbolSet.objects.get(environment_id=project.id)
    assert (row.ref, row.failure_reason, row.last_used) == (URL, None, NOON)
    assert row.content_hash is not None
    assert jobs() == [("errortracking.symbols.resolve_again", {"environment_id": project.id, "refs": [URL]})]


def test_what_could_not_be_fetched_is_a_symbol_set_with_the_reason(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, Failure("JavaScript", "Timeout", (URL,)))
    with clock.stopped_at(NOON):
        bringing.bring(project.id, URL)

    row = SymbolSet.objects.get(environment_id=project.id)
    assert (row.storage_ptr, row.failure_reason) == (None, f'{{"JavaScript":{{"Timeout":"{URL}"}}}}')
    assert row.last_used == NOON


def test_a_script_that_is_known_is_not_fetched(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = answers(monkeypatch, Failure("JavaScript", "Timeout", (URL,)))
    for hours in (0, 23, 24):
        with clock.stopped_at(NOON + timedelta(hours=hours)):
            bringing.bring(project.id, URL)
    assert fetched == [URL, URL]  # at once, and after a day

    upload(project, OTHER)
    with clock.stopped_at(clock.now() + timedelta(days=40)):
        bringing.bring(project.id, OTHER)
    assert fetched == [URL, URL]


def test_a_script_that_names_a_chunk_gets_what_was_uploaded_for_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded = upload(project, "chunk-1", source="uploaded.ts")
    answers(monkeypatch, ChunkId("chunk-1"))
    bringing.bring(project.id, URL)

    queue(project, thrown())
    turn(project)
    assert contents_of(project)["a"]["source"] == "uploaded.ts"
    by_url = SymbolSet.objects.get(environment_id=project.id, ref=URL)
    assert by_url.content_hash == uploaded.content_hash
    assert by_url.storage_ptr != uploaded.storage_ptr


def test_a_script_that_names_a_chunk_whose_upload_is_not_finished_has_no_map(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    SymbolSet.objects.create(environment_id=project.id, ref="chunk-1", storage_ptr="symbolsets/x")
    answers(monkeypatch, ChunkId("chunk-1"))
    bringing.bring(project.id, URL)

    row = SymbolSet.objects.get(environment_id=project.id, ref=URL)
    assert row.failure_reason == f'{{"JavaScript":{{"NoSourcemap":"{URL}"}}}}'


def test_what_comes_for_a_project_that_is_gone_is_dropped(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, Failure("JavaScript", "Timeout", (URL,)))
    bringing.bring(987_654, URL)

    assert SymbolSet.objects.filter(environment_id=987_654).count() == 0


@pytest.mark.parametrize("content_hash", [None, "h"])
def test_what_somebody_uploads_while_it_is_fetched_stays(
    project: Project, monkeypatch: pytest.MonkeyPatch, content_hash: str | None
) -> None:
    """Whether that upload has been finished or is still under way."""

    def fetch(url: str, **_: object) -> Fetched:
        fields = {"storage_ptr": "symbolsets/x", "content_hash": content_hash}
        SymbolSet.objects.create(environment_id=project.id, ref=url, **fields)
        return Fetched(SCRIPT.encode(), source_map().encode())

    monkeypatch.setattr(fetching, "fetch", fetch)
    bringing.bring(project.id, URL)

    row = SymbolSet.objects.get(environment_id=project.id)
    assert (row.storage_ptr, row.content_hash) == ("symbolsets/x", content_hash)
    assert jobs() == []
    (kept,) = SymbolChunk.objects.filter(environment_id=project.id).values_list("key", flat=True).distinct()
    assert list(SymbolGarbage.objects.values_list("key", flat=True)) == [kept]  # which the sweep deletes


def test_a_map_that_comes_too_late_is_put_into_frames_that_name_the_scripts_chunk(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They lack what was to be uploaded for their chunk; the script's own map is as good, and the script tells both."""
    send(project, thrown(web(CALLED, "c", chunk_id="chunk-1"), web(chunk_id="chunk-1")))
    jobs()
    answers(monkeypatch, Fetched(SCRIPT.encode() + b"//# chunkId=chunk-1\n", source_map().encode()))
    bringing.bring(project.id, URL)

    refs = [URL, "chunk-1"]
    assert jobs() == [("errortracking.symbols.resolve_again", {"environment_id": project.id, "refs": refs})]
    resolve_again.resolve_again(project.id, refs)
    shown = contents_of(project)
    assert [shown[name]["resolved_name"] for name in ("c", "a")] == ["refund", "pay"]
