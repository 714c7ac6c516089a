"""Fingerprints: pinned values, worked out by hand from the pieces beside them, and the choice among versions.

A value here must never change: it is the key of issues that exist.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errortracking.pipeline import fingerprint
from errortracking.pipeline.exceptions import Frame, ParsedEvent, ParsedException

VECTOR = json.loads((Path(__file__).parents[2] / "data" / "vectors.json").read_text())["fingerprint"]
UUID_ = UUID(int=7)


def frame(**contents: Any) -> Frame:
    shown = {"raw_id": "r/0", "mangled_name": "m", "in_app": True, "lang": "javascript", "resolved": False, **contents}
    return Frame("r", 0, {"synthetic": False, "suspicious": False, **shown}, None, shown["resolved"])  # type: ignore[typeddict-item]


def known(name: str, source: str, **contents: Any) -> Frame:
    return frame(resolved_name=name, source=source, resolved=True, **contents)


def exception(type_: str, *frames: Frame, value: str = "", stack: bool = True, id_: str = "id-1") -> ParsedException:
    return ParsedException(id=id_, type=type_, value=value, stack="raw" if stack else None, frames=list(frames))


def event(*exceptions: ParsedException, lib: str | None = None, manual: str | None = None) -> ParsedEvent:
    return ParsedEvent(UUID_, list(exceptions), {}, lib=lib, fingerprint=manual)


def values(*exceptions: ParsedException, lib: str | None = None) -> dict[str | None, str]:
    return {one.version: one.value for one in fingerprint.candidates(event(*exceptions, lib=lib))}


def v1(*exceptions: ParsedException) -> str:
    return values(*exceptions)["v1"]


def v2(*exceptions: ParsedException) -> str:
    return values(*exceptions)["v2"]


# --- pinned values ------------------------------------------------------------------------------------------


def _vector() -> ParsedException:
    (sent,) = VECTOR["input"]
    stack = [frame(**{key: value for key, value in one.items() if value is not None}) for one in sent["frames"]]
    return exception(sent["type"], *stack, value=sent["value"])


def test_the_vector_of_the_real_server() -> None:
    # v1: TypeError ‖ http://example.com/alpha/foo.js ‖ bar ‖ http://example.com/bar.js ‖ app.module ‖ baz
    assert v1(_vector()) == VECTOR["expected"]["v1"]
    # v2: TypeError ‖ foo.js ‖ bar ‖ bar.js ‖ app.module ‖ baz
    assert v2(_vector())[:16] == "444724bab3c03303"


def test_the_whole_of_both_is_pinned() -> None:
    assert v1(_vector()) == (
        "d03a8ead4f42a8a315039e016979d6ded265ca61ebe08c5114b17626dc285f13"
        "3e6a62b80d8122ff6b34198223f75bc4a682968b3608f97e9b341da4a1cc3dec"
    )
    assert v2(_vector()) == (
        "444724bab3c0330331620497546290eff34b8cfe5363dcf938fc92ab80baff08"
        "2a3616472e02ffadcb657cd7bdb211fbd9e1dcb04f2aae33e77c5c54e4835820"
    )


def test_without_a_stack_the_message_is_hashed() -> None:
    sent = exception("ValueError", value="bad 42", stack=False)
    # v1: ValueError ‖ bad 42
    assert v1(sent)[:32] == "a2684cecd0bc897d392d421d9d0a0fad"
    # v2: ValueError ‖ bad #
    assert v2(sent)[:32] == "65cc335688421142ddbe7ee8b24210fb"


def test_a_frame_without_a_resolved_name() -> None:
    sent = exception("E", frame(mangled_name="x", source="/a/main-4f3e2d1c.js", module="mod?v=1", line=3, column=7))
    # v1: E ‖ /a/main-4f3e2d1c.js ‖ mod?v=1 ‖ x ‖ 3 ‖ 7 ‖ javascript
    assert v1(sent)[:32] == "09b16fb17d30c6d91b09c6bae9fe275f"
    # v2: E ‖ main-*.js ‖ mod ‖ x ‖ javascript
    assert v2(sent)[:32] == "edf11799755e19cf99f770b75041aa68"


def test_a_chain_and_its_legacy_order() -> None:
    outer = exception("OuterError", known("run", "a.py"))
    inner = exception("InnerError", known("work", "b.py"))
    found = values(outer, inner, lib="posthog-python")
    # OuterError ‖ a.py ‖ run ‖ InnerError ‖ b.py ‖ work
    assert found["v1"][:32] == found["v2"][:32] == "f25565f2d0e7346f1e12f943ba005da0"
    # InnerError ‖ b.py ‖ work ‖ OuterError ‖ a.py ‖ run
    assert found["v1_legacy"][:32] == found["v2_legacy"][:32] == "a7316d1247ab65a7e52b097cca4c6a31"


# --- which frames -------------------------------------------------------------------------------------------


def test_v1_without_in_app_frames_takes_only_the_first() -> None:
    first, second = known("a", "a.js", in_app=False), known("b", "b.js", in_app=False)
    assert v1(exception("E", first, second)) == v1(exception("E", first))


def test_v1_leaves_out_frames_that_are_not_in_app() -> None:
    app, library = known("a", "a.js"), known("b", "b.js", in_app=False)
    assert v1(exception("E", library, app)) == v1(exception("E", app))


def test_v1_leaves_out_unresolved_frames_as_soon_as_one_is_resolved() -> None:
    app, lost = known("a", "a.js"), frame(mangled_name="x", line=3)
    assert v1(exception("E", app, lost)) == v1(exception("E", app))


def test_v1_takes_unresolved_frames_where_none_is_resolved() -> None:
    lost, other = frame(mangled_name="x", line=3), frame(mangled_name="y", line=4)
    assert v1(exception("E", lost, other)) != v1(exception("E", lost))


def test_v1_is_left_with_the_type_where_only_a_library_is_resolved() -> None:
    lost, library = frame(mangled_name="x", line=3), known("b", "b.js", in_app=False)
    assert v1(exception("E", lost, library)) == v1(exception("E"))


def test_v2_takes_every_frame_whatever_the_mask() -> None:
    frames = [known("a", "a.js"), known("b", "b.js", in_app=False), frame(mangled_name="x")]
    assert v2(exception("E", *frames)) != v2(exception("E", *frames[:2]))
    flipped = [known("a", "a.js", in_app=False), known("b", "b.js"), frame(mangled_name="x", in_app=False)]
    assert v2(exception("E", *frames)) == v2(exception("E", *flipped))


def test_a_stack_without_frames_is_a_stack() -> None:
    assert v1(exception("E", value="one")) == v1(exception("E", value="two"))
    assert v1(exception("E", value="one", stack=False)) != v1(exception("E", value="two", stack=False))


def test_v2_does_not_move_with_lines_of_unresolved_frames_and_v1_does() -> None:
    here, there = exception("E", frame(line=378, column=1)), exception("E", frame(line=698, column=2))
    assert v2(here) == v2(there)
    assert v1(here) != v1(there)


def test_neither_moves_with_lines_of_resolved_frames() -> None:
    here, there = exception("E", known("f", "a.py", line=1)), exception("E", known("f", "a.py", line=2))
    assert (v1(here), v2(here)) == (v1(there), v2(there))


# --- what is not hashed -------------------------------------------------------------------------------------


@given(st.text(), st.dictionaries(st.text(), st.text()), st.text(min_size=1))
def test_ids_and_variables_of_an_event_do_not_count(id_: str, variables: dict[str, str], raw_id: str) -> None:
    plain, own = known("f", "a.py"), known("f", "a.py", raw_id=raw_id)
    own.code_variables = dict(variables)
    assert values(exception("E", plain)) == values(exception("E", own, id_=id_))


# --- the record ---------------------------------------------------------------------------------------------


def test_the_record_names_what_went_in() -> None:
    lost = frame(raw_id="lost/0", source="a.js", module="m", line=1, column=2)
    bare = frame(raw_id="bare/0")
    newest, oldest = fingerprint.candidates(
        event(exception("A", lost, bare, id_="id-a"), exception("B", stack=False, id_="id-b"))
    )
    assert newest.version == "v2"
    assert newest.record == [
        {"type": "exception", "id": "id-a", "pieces": ["Exception Type"]},
        {
            "type": "frame",
            "raw_id": "lost/0",
            "pieces": ["Source file name", "Module name", "Mangled function name", "Language"],
        },
        {"type": "frame", "raw_id": "bare/0", "pieces": ["Mangled function name", "Language"]},
        {"type": "exception", "id": "id-b", "pieces": ["Exception Type", "Exception Message"]},
    ]
    assert oldest.record[1] == {
        "type": "frame",
        "raw_id": "lost/0",
        "pieces": [
            "Source file name",
            "Module name",
            "Mangled function name",
            "Line number",
            "Column number",
            "Language",
        ],
    }


def test_a_resolved_frame_stops_at_its_name() -> None:
    newest, _ = fingerprint.candidates(event(exception("A", known("f", "a.js", line=1, raw_id="k/0"))))
    assert newest.record[1] == {
        "type": "frame",
        "raw_id": "k/0",
        "pieces": ["Source file name", "Resolved function name"],
    }


# --- the choice ---------------------------------------------------------------------------------------------


def _four() -> list[fingerprint.Fingerprint]:
    sent = event(exception("A", known("f", "x/a.js")), exception("B", known("g", "x/b.js")), lib="posthog-python")
    return fingerprint.candidates(sent)


def test_candidates_stand_newest_first_and_legacy_last() -> None:
    found = _four()
    assert [one.version for one in found] == ["v2", "v1", "v2_legacy", "v1_legacy"]
    assert len({one.value for one in found}) == 4


@pytest.mark.parametrize("index", range(4))
def test_the_one_that_belongs_to_an_issue_wins(index: int) -> None:
    found = _four()
    assert fingerprint.choose(found, {found[index].value}) is found[index]


def test_of_several_that_belong_to_issues_the_newest_wins() -> None:
    found = _four()
    assert fingerprint.choose(found, {found[3].value, found[1].value}) is found[1]
    assert fingerprint.choose(found, {one.value for one in found}) is found[0]


def test_if_none_does_the_newest_makes_the_issue() -> None:
    found = _four()
    assert fingerprint.choose(found, set()) is found[0]
    assert found[0].version == "v2"


@pytest.mark.parametrize("lib", ["web", "posthog-node", None])
def test_other_sdks_have_no_legacy_order(lib: str | None) -> None:
    assert set(values(exception("A", frame(), frame()), exception("B"), lib=lib)) == {"v1", "v2"}


def test_the_legacy_order_is_hashed_for_new_versions_of_an_sdk_too() -> None:
    # What an old SDK sent crash first was keyed as it came; the new SDK's events must still find that issue.
    entry, crash = known("entry", "a.go"), known("crash", "b.go")
    found = values(exception("E", entry, crash), lib="posthog-go")
    assert found["v1_legacy"] == v1(exception("E", crash, entry))
    assert found["v2_legacy"] == v2(exception("E", crash, entry))


# --- manual and custom --------------------------------------------------------------------------------------


def test_a_fingerprint_of_the_client_is_the_only_candidate() -> None:
    (only,) = fingerprint.candidates(event(exception("E"), manual="my group"))
    assert (only.value, only.version, only.record) == ("my group", None, [{"type": "manual"}])


def test_up_to_64_bytes_it_is_kept_and_a_longer_one_is_hashed() -> None:
    assert fingerprint.manual("x" * 64).value == "x" * 64
    # SHA-512 of 65 times x
    assert fingerprint.manual("x" * 65).value[:32] == "460d9da1179e60cf8ee45d2c687e45c9"
    assert len(fingerprint.manual("é" * 33).value) == 128  # 66 bytes


def test_a_rule_has_one_fingerprint_for_all_that_it_matches() -> None:
    rule = UUID("0198f0c2-7d5e-7c4a-9b1f-0123456789ab")
    made = fingerprint.custom(rule)
    assert made.value == "custom-rule:0198f0c2-7d5e-7c4a-9b1f-0123456789ab"
    assert (made.version, made.record) == (None, [{"type": "custom", "rule_id": str(rule)}])
