"""Odd and hostile exceptions all the way: posted as JSON, processed by a worker, read from their rows."""

from __future__ import annotations

import json
from hashlib import sha512
from typing import Any

import pytest
from django.test import Client

from environments.models import Project
from errortracking.ingest import room, tokens
from errortracking.models import Event, FrameContent, Issue, StackFrame
from errortracking.models.event_payload import StoredEvent
from tests.errortracking.pipeline.making import make_project, outcomes, stored, turn, uuid

PYTHON = {"platform": "python", "filename": "a.py", "function": "f"}
WEB = {"platform": "web:javascript", "function": "f", "filename": "https://shop.example/a.js"}
JAVA = {"platform": "java", "function": "f", "module": "m"}


@pytest.fixture
def project(db: None) -> Project:
    tokens.forget()
    room.forget()
    return make_project()


def post(project: Project, properties: dict[str, Any], **headers: str) -> StoredEvent:
    """Post one exception, by capture V1 where a header names the SDK; let a worker process it, and return its row."""
    event = {"event": "$exception", "uuid": uuid(900_000), "distinct_id": "ada", "properties": properties}
    body = json.dumps({"api_key": project.api_token, "batch": [event]})
    path = "/i/v1/analytics/events" if headers else "/batch/"
    headers |= {"Authorization": f"Bearer {project.api_token}"}
    assert Client().post(path, body, content_type="application/json", headers=headers).status_code == 200
    assert turn(project)
    assert outcomes(project) == {"stored": 1}
    return stored(project, uuid(900_000))


def stack(*frames: object, **more: object) -> dict[str, Any]:
    return {"$exception_list": [{"type": "E", "stacktrace": {"type": "raw", "frames": list(frames)}}], **more}


def contents(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = FrameContent.objects.get(environment_id=project.id).contents
    return found


# --- what cannot be read is kept, with its reason -----------------------------------------------------------


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        (stack({**PYTHON, "lineno": 2**32}), "integer `4294967296`, expected u32 for `lineno` at $exception_list[0]"),
        (stack({**PYTHON, "lineno": "7"}), 'string "7", expected u32 for `lineno` at $exception_list[0]'),
        (stack({**JAVA, "lineno": -2}), "integer `-2`, expected u64 for `lineno` at $exception_list[0]"),
        (
            stack({**JAVA, "lineno": 2**64}),
            "floating point `1.8446744073709552e+19`, expected u64 for `lineno` at $exception_list[0]",
        ),
        (stack({**WEB, "chunkId": 7}), "integer `7`, expected a string for `chunk_id` at $exception_list[0]"),
        (stack({**PYTHON, "pre_context": [None]}), "sequence, expected a sequence of strings for `pre_context` at"),
        (stack(PYTHON, 7), "integer `7`, expected a map at $exception_list[0]"),
        (stack(PYTHON, **{"$exception_fingerprint": 7}), "integer `7`, expected a string for `$exception_fingerprint`"),
    ],
)
def test_an_exception_of_the_wrong_types_is_kept_with_its_reason(
    project: Project, properties: dict[str, Any], reason: str
) -> None:
    found = post(project, properties)

    (error,) = found["properties"]["$cymbal_errors"]
    assert error.startswith(f"Invalid properties on event {uuid(900_000)}, serde error: invalid type: {reason}")
    assert found["exceptions"] == []
    # What a double holds of 2**64 is what can be written again.
    assert found["properties"]["$exception_list"] == json.loads(
        json.dumps(properties["$exception_list"]).replace(str(2**64), "1.8446744073709552e19")
    )
    assert not Issue.objects.filter(environment_id=project.id).exists()
    assert Event.objects.get(environment_id=project.id).fingerprint_id is None


# --- numbers at their bounds --------------------------------------------------------------------------------


def test_the_largest_lines_are_kept_and_numbers_around_them_stay_within_the_bounds(project: Project) -> None:
    post(project, stack({**PYTHON, "lineno": 2**32 - 1, "context_line": "x", "post_context": ["y"]}))

    content = FrameContent.objects.get(environment_id=project.id)
    assert content.contents["line"] == 4294967295
    assert content.context == {
        "before": [],
        "line": {"number": 4294967295, "line": "x"},
        "after": [{"number": 4294967295, "line": "y"}],
    }


def test_a_line_of_java_has_64_bits(project: Project) -> None:
    post(project, stack({**JAVA, "lineno": 2**64 - 1}))

    assert contents(project)["line"] == 18446744073709551615
    # f ‖ eight bytes ff ‖ m
    raw_id = sha512(b"f\xff\xff\xff\xff\xff\xff\xff\xffm").hexdigest()
    assert StackFrame.objects.get(environment_id=project.id).raw_id == raw_id


@pytest.mark.parametrize(
    "half", [{"lineno": 1}, {"colno": 1}, {"lineno": 2**32, "colno": 1}, {"lineno": 1, "colno": "x"}]
)
def test_half_a_location_in_a_browser_is_none(project: Project, half: dict[str, Any]) -> None:
    post(project, stack({**WEB, **half}))

    found = contents(project)
    assert {"line", "column", "resolve_failure"}.isdisjoint(found)
    assert (found["resolved"], found["resolved_name"]) == (True, "f")


# --- texts --------------------------------------------------------------------------------------------------


def test_nul_and_half_surrogates_are_replaced_before_anything_is_hashed(project: Project) -> None:
    frame = {**PYTHON, "function": "f\ud800", "lineno": 1, "context_line": "\ud83d", "pre_context": ["\udc00\0"]}
    post(project, stack(frame, **{"\0": "\udfff"}))

    # � ‖ a.py ‖ f� ‖ 00 00 00 01 ‖ ��
    raw_id = sha512("\ufffda.pyf\ufffd\0\0\0\x01\ufffd\ufffd".encode()).hexdigest()
    assert StackFrame.objects.get(environment_id=project.id).raw_id == raw_id
    assert FrameContent.objects.get(environment_id=project.id).context == {
        "before": [{"number": 0, "line": "\ufffd\ufffd"}],
        "line": {"number": 1, "line": "\ufffd"},
        "after": [],
    }


def test_a_source_line_is_hashed_whole_and_shown_up_to_300_characters(project: Project) -> None:
    post(project, stack({**PYTHON, "lineno": 1, "context_line": "é" * 301, "post_context": ["y" * 300]}))

    raw_id = sha512(("é" * 301 + "a.pyf\0\0\0\x01" + "y" * 300).encode()).hexdigest()
    assert StackFrame.objects.get(environment_id=project.id).raw_id == raw_id
    context = FrameContent.objects.get(environment_id=project.id).context
    assert context is not None
    assert (context["line"]["line"], context["after"][0]["line"]) == ("é" * 300 + "...\u2702\ufe0f", "y" * 300)


def test_two_long_names_that_differ_at_their_ends_are_two_frames(project: Project) -> None:
    post(project, stack({**PYTHON, "filename": "x" * 5000 + "1"}, {**PYTHON, "filename": "x" * 5000 + "2"}))

    sources = [row.contents["source"] for row in FrameContent.objects.filter(environment_id=project.id)]
    assert sources == ["x" * 4093 + "..."] * 2


def test_variables_are_of_the_event_and_numbers_in_them_are_what_can_be_written(project: Project) -> None:
    found = post(project, stack({**PYTHON, "code_variables": {"a": 2**70, "b": {"c": [1.5, None]}}}))

    assert found["exceptions"][0]["frames"][0]["code_variables"] == {"a": float(2**70), "b": {"c": [1.5, None]}}
    assert "code_variables" not in contents(project)


# --- chunk ids ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "chunk"),
    [
        ({"chunk_id": "A"}, "A"),
        ({"chunkId": "B"}, "B"),
        ({"chunk_id": "A", "chunkId": "B"}, "A"),
        ({"chunk_id": None, "chunkId": "B"}, "B"),
    ],
)
@pytest.mark.parametrize("platform", ["web:javascript", "javascript", "node:javascript", "hermes"])
def test_a_chunk_id_is_read_in_both_spellings(
    project: Project, platform: str, sent: dict[str, Any], chunk: str
) -> None:
    post(project, stack({**WEB, "platform": platform, "lineno": 1, "colno": 9, **sent}))

    found = contents(project)
    assert found["resolve_failure"] == f"No sourcemap uploaded for chunk id: {chunk}"
    assert found["junk_drawer"]["raw_frame"]["chunk_id"] == chunk


@pytest.mark.parametrize(
    ("frame", "kept"),
    [
        (PYTHON, False),
        ({**PYTHON, "platform": "ruby"}, False),
        ({**PYTHON, "platform": "php"}, False),
        ({**PYTHON, "platform": "node:javascript"}, False),
        ({**PYTHON, "platform": "go", "lineno": 1}, False),
        ({**PYTHON, "platform": "custom", "lang": "x"}, False),
        ({**PYTHON, "platform": "native"}, False),
        (WEB, True),
        (JAVA, True),
        ({**PYTHON, "platform": "hermes"}, True),
        ({"platform": "apple", "instruction_addr": "0x1"}, True),
        ({"platform": "dart", "abs_path": "a.dart"}, True),  # may be obfuscated, which cannot be told
    ],
)
def test_what_was_sent_is_kept_beside_frames_that_failed_or_may_be_minified(
    project: Project, frame: dict[str, Any], kept: bool
) -> None:
    post(project, stack(frame))

    found = contents(project)
    assert ("junk_drawer" in found) is kept
    assert found["suspicious"] is False


# --- order --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lib", "version", "turned"),
    [
        ("posthog-python", "7.30.99", True),
        ("posthog-python", "7.31.0", False),
        ("posthog-python", "v7.31", False),
        ("posthog-python", "7.31.0rc1", False),  # the number counts, not what follows it
        ("posthog-python", "7.30.0.post1", True),
        ("posthog-python", "unknown", True),
        ("posthog-php", "4.10.9", True),
        ("posthog-php", "4.11.0-beta.1", False),
        ("posthog-php", "dev-main", True),
        ("posthog-go", "v1.18.99", True),
        ("posthog-go", "v1.19.0", False),
        ("posthog-go", "1.19", False),
        ("posthog-rs", "0.18.9", True),
        ("posthog-rs", "0.19.0+build.5", False),
        ("posthog-rs", "", True),
        ("posthog-elixir", "99.0.0", True),
        ("web", "1.0.0", False),
    ],
)
@pytest.mark.parametrize("v1", [False, True])
def test_the_order_is_corrected_up_to_the_version_that_sends_it_right(
    project: Project, lib: str, version: str, turned: bool, v1: bool
) -> None:
    frames = [{**PYTHON, "function": "first"}, {**PYTHON, "function": "second"}]
    exceptions = [{"type": "A", "stacktrace": {"type": "raw", "frames": frames}}, {"type": "B"}]
    properties: dict[str, Any] = {"$exception_list": exceptions}
    if v1 and version:
        found = post(project, properties, **{"PostHog-Sdk-Info": f"{lib}/{version}"})
    else:
        found = post(project, {**properties, "$lib": lib, "$lib_version": version})

    reversed_list, reversed_frames = turned and lib == "posthog-python", turned and lib != "posthog-python"
    assert found["properties"]["$exception_types"] == (["B", "A"] if reversed_list else ["A", "B"])
    assert found["properties"]["$exception_functions"] == (
        ["second", "first"] if reversed_frames else ["first", "second"]
    )
