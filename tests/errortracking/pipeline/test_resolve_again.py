"""A symbol set that comes after the fact: its frames are resolved in their place, and fingerprints lead along."""

from __future__ import annotations

from datetime import timedelta

from environments import clock
from environments.models import Project
from errortracking.models import (
    AwaitedFrame,
    Fingerprint,
    GroupingRule,
    StackFrame,
)
from errortracking.occurrences import frames as occurrences
from errortracking.symbols import container, records
from errortracking.symbols.container import Contents
from errortracking.symbols.failures import Failure
from errortracking.symbols.lookups import Kind
from tests.errortracking.pipeline.making import NOON, entry, make_project, send, stored
from tests.errortracking.pipeline.mapping import URL, contents_of, jobs, thrown, upload, web
from tests.errortracking.pipeline.resolving_again import TWO, WEB, again, issue_of, issues, parsing_ends, waits

__all__ = ["parsing_ends"]


# --- what is remembered
# ------------------------------------------------------------------------------------------------------


def test_an_event_whose_frames_lack_a_set_is_remembered_once_per_frame_and_fingerprint(project: Project) -> None:
    first = thrown(*WEB)
    send(project, first)
    send(project, thrown(*WEB), thrown(*WEB))

    rows = list(AwaitedFrame.objects.filter(environment_id=project.id))
    assert len(rows) == 2
    assert {str(row.event_id) for row in rows} == {first["uuid"]}
    assert {row.received_at for row in rows} == {NOON}
    assert {row.frame_id for row in rows} == {row.id for row in StackFrame.objects.filter(environment_id=project.id)}


def test_events_without_such_frames_are_not_remembered(project: Project) -> None:
    upload(project, "chunk-1")
    send(project, thrown(*WEB), entry(), thrown(web(filename="<anonymous>")))

    assert waits(project) == 0


def test_a_fingerprint_that_does_not_depend_on_frames_is_not_remembered(project: Project) -> None:
    rule = {"type": "OR", "values": [{"key": "$lib", "type": "event", "operator": "exact", "value": ["ruled"]}]}
    GroupingRule.objects.create(environment_id=project.id, filters=rule, order_key=0)
    manual = thrown(*WEB)
    manual["properties"]["$exception_fingerprint"] = "mine"
    send(project, manual, thrown(*WEB, lib="ruled"))

    assert {row.kind for row in Fingerprint.objects.filter(environment_id=project.id)} == {"manual", "custom"}
    assert waits(project) == 0


# --- frames
# ------------------------------------------------------------------------------------------------------


def test_frames_get_their_contents_in_their_place_when_the_set_comes(project: Project) -> None:
    send(project, thrown(*WEB))
    before = {row.id for row in StackFrame.objects.filter(environment_id=project.id)}
    uploaded = upload(project, "chunk-1")
    assert jobs() == [("errortracking.symbols.resolve_again", {"environment_id": project.id, "refs": ["chunk-1"]})]
    with clock.stopped_at(NOON + timedelta(hours=1)):
        again(project, "chunk-1")

    rows = list(StackFrame.objects.filter(environment_id=project.id))
    assert {row.id for row in rows} == before
    assert {(row.symbol_set_id, row.missing_ref, row.platform) for row in rows} == {(uploaded.id, None, None)}
    assert {row.created_at for row in rows} == {NOON + timedelta(hours=1)}
    shown = contents_of(project)
    assert [shown[name]["resolved_name"] for name in ("c", "a")] == ["refund", "pay"]


def test_an_old_event_shows_the_new_contents(project: Project) -> None:
    event = thrown(*WEB)
    send(project, event)
    upload(project, "chunk-1")
    again(project, "chunk-1")

    keys = occurrences.keys(stored(project, event["uuid"])["exceptions"])
    shown = occurrences.read(project.id, keys, 1_000_000, parsed=True)
    assert [shown[key].contents["resolved_name"] for key in keys] == ["refund", "pay"]
    assert [shown[key].resolved_later for key in keys] == [True, True]
    assert shown[keys[1]].context["line"] == {"number": 3, "line": '  throw new Error("no stock");'}


def test_frames_of_other_sets_and_projects_stay(project: Project) -> None:
    other = make_project("other")
    send(project, thrown(*TWO))
    send(other, thrown(*WEB))
    upload(project, "chunk-1")
    again(project, "chunk-1")

    assert {name: one["resolved"] for name, one in contents_of(project).items()} == {"a": True, "c": False}
    assert {one["resolved"] for one in contents_of(other).values()} == {False}
    assert StackFrame.objects.get(environment_id=project.id, missing_ref="chunk-2").platform == "web:javascript"


def test_a_frame_that_the_set_does_not_know_fails_with_that_and_waits_on(project: Project) -> None:
    send(project, thrown(web(chunk_id="chunk-1", lineno=99)))
    uploaded = upload(project, "chunk-1")
    again(project, "chunk-1")

    (row,) = StackFrame.objects.filter(environment_id=project.id)
    assert contents_of(project)["a"]["resolve_failure"] == "Token not found for frame: a:99:21"
    assert (row.missing_ref, row.symbol_set_id, waits(project)) == ("chunk-1", uploaded.id, 1)


def test_a_better_upload_resolves_what_the_first_did_not(project: Project) -> None:
    send(project, thrown(*WEB))
    records.store(project.id, "chunk-1", [b"no container"])
    again(project, "chunk-1")
    assert {one["resolved"] for one in contents_of(project).values()} == {False}

    upload(project, "chunk-1")
    again(project, "chunk-1")
    assert {one["resolved"] for one in contents_of(project).values()} == {True}


def test_an_upload_resolves_what_the_map_at_the_scripts_url_did_not(project: Project) -> None:
    other = Contents(Kind.JAVASCRIPT, b'{"version":3,"sources":[],"names":[],"mappings":""}', b"other()")
    fetched = records.store(project.id, URL, container.write(other))
    with clock.stopped_at(NOON):
        send(project, thrown(*WEB))
    with clock.stopped_at(NOON + timedelta(seconds=400)):  # the rows are stale: what the map said still stands
        send(project, thrown(*WEB))
    assert contents_of(project)["a"]["resolve_failure"] == "Token not found for frame: a:1:21"
    assert {row.symbol_set_id for row in StackFrame.objects.filter(environment_id=project.id)} == {fetched}

    upload(project, "chunk-1")
    again(project, "chunk-1")
    assert {one["resolved"] for one in contents_of(project).values()} == {True}


def test_better_data_for_the_scripts_url_resolves_frames_with_a_chunk_id_too(project: Project) -> None:
    records.store(project.id, URL, [b"no container"])
    send(project, thrown(*WEB))
    upload(project, URL)
    again(project, URL)

    assert {one["resolved"] for one in contents_of(project).values()} == {True}


def test_a_frame_that_waits_is_resolved_by_the_job_alone(project: Project) -> None:
    """Else an event could come with the new content before its fingerprint is known to be of the old issue."""
    with clock.stopped_at(NOON):
        send(project, thrown(*WEB))
    upload(project, "chunk-1")
    with clock.stopped_at(NOON + timedelta(seconds=400)):  # the row is stale, and the set is there
        send(project, thrown(*WEB))

    assert issues(project) == 1
    rows = StackFrame.objects.filter(environment_id=project.id)
    assert {row.missing_ref for row in rows} == {"chunk-1"}
    assert {row.created_at for row in rows} == {NOON + timedelta(seconds=400)}


def test_where_the_job_was_lost_the_next_event_asks_for_it(project: Project) -> None:
    with clock.stopped_at(NOON):
        send(project, thrown(*WEB))
    upload(project, "chunk-1")
    jobs()
    with clock.stopped_at(NOON + timedelta(seconds=400)):
        send(project, thrown(*WEB))

    asked = {"environment_id": project.id, "refs": ["chunk-1"], "waited": 60}
    assert jobs() == [("errortracking.symbols.resolve_again", asked)]


def test_a_frame_of_a_new_build_does_not_wait_for_the_set_of_an_old_one(project: Project) -> None:
    with clock.stopped_at(NOON):
        send(project, thrown(web(chunk_id="chunk-1")))
    upload(project, "chunk-2")
    with clock.stopped_at(NOON + timedelta(seconds=400)):
        send(project, thrown(web(chunk_id="chunk-2")))  # the same name and place in a script of the same URL

    assert contents_of(project)["a"]["resolved_name"] == "pay"


def test_a_map_that_was_fetched_late_resolves_frames_that_have_a_chunk_id_as_well(project: Project) -> None:
    records.record_failure(project.id, URL, Failure("JavaScript", "Timeout", (URL,)))
    send(project, thrown(web(chunk_id="chunk-1")))
    upload(project, URL)
    again(project, URL)

    assert contents_of(project)["a"]["resolved_name"] == "pay"


def test_a_java_frame_becomes_all_the_calls_that_were_inlined(project: Project) -> None:
    java = {"platform": "java", "function": "a", "module": "x.b", "lineno": 7, "map_id": "map-1"}
    old, new = thrown(java, lib="custom"), thrown(java, lib="custom")
    send(project, old)
    mapping = b"com.shop.Cart -> x.b:\n    7:7:int com.shop.Price.total():90:90 -> a\n    7:7:void checkout():12 -> a\n"
    records.store(project.id, "map-1", container.write(Contents(Kind.PROGUARD, mapping)))
    again(project, "map-1")
    send(project, new)

    assert StackFrame.objects.filter(environment_id=project.id).count() == 2
    assert len(stored(project, new["uuid"])["exceptions"][0]["frames"]) == 2
    assert issue_of(project, new) == issue_of(project, old)
