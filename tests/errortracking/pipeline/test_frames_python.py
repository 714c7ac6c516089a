"""Python frames: their ids, what is shown, and which are the application's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errortracking.pipeline import frames
from errortracking.pipeline.exceptions import Frame
from errortracking.pipeline.frames.python_stdlib import MODULES

WIRE = Path(__file__).parents[2] / "data" / "wire" / "python.json"
BASE = {"platform": "python", "filename": "app.py", "function": "run"}
FULL = {
    **BASE,
    "abs_path": "/srv/app.py",
    "module": "app.main",
    "lineno": 7,
    "pre_context": ["def run():", "    pass"],
    "context_line": "raise Boom()",
    "post_context": ["done"],
    "in_app": True,
}


def resolved(**fields: object) -> Frame:
    (frame,) = frames.resolve_frame(frames.read({**BASE, **fields}))
    return frame


# --- identity -----------------------------------------------------------------------------------------------


def test_the_id_is_the_hash_of_line_file_function_number_module_and_surroundings() -> None:
    # SHA-512 of: raise Boom() ‖ app.py ‖ run ‖ 00 00 00 07 ‖ app.main ‖ def run(): ‖ ····pass ‖ done
    assert resolved(**FULL).raw_id[:32] == "2d7f37d597bfbff00a9c5f75df6cdf6d"
    assert len(resolved(**FULL).raw_id) == 128


def test_absent_pieces_are_skipped_and_a_missing_number_is_four_zero_bytes() -> None:
    # SHA-512 of: app.py ‖ run ‖ 00 00 00 00
    assert resolved().raw_id[:32] == "07774a49b93312a7e8d8a123b3038bfa"
    assert resolved(module=None, context_line=None, lineno=None, pre_context=None).raw_id == resolved().raw_id


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("filename", "other.py"),
        ("function", "walk"),
        ("module", "app.other"),
        ("lineno", 8),
        ("context_line", "raise Bang()"),
        ("pre_context", ["def run():"]),
        ("post_context", []),
    ],
)
def test_the_id_changes_with_each_of_its_pieces(field: str, value: object) -> None:
    assert resolved(**{**FULL, field: value}).raw_id != resolved(**FULL).raw_id


@given(
    in_app=st.booleans(),
    synthetic=st.booleans(),
    abs_path=st.none() | st.text(max_size=20),
    code_variables=st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=5)),
    unknown=st.integers(),
)
def test_the_id_depends_on_nothing_else(**fields: object) -> None:
    assert resolved(**{**FULL, **fields}).raw_id == resolved(**FULL).raw_id


# --- what is shown ------------------------------------------------------------------------------------------


def test_the_contents_of_a_frame_with_everything() -> None:
    frame = resolved(**FULL)
    assert frame.contents == {
        "raw_id": f"{frame.raw_id}/0",
        "mangled_name": "run",
        "line": 7,
        "source": "app.py",
        "module": "app.main",
        "in_app": True,
        "resolved_name": "run",
        "lang": "python",
        "resolved": True,
        "synthetic": False,
        "suspicious": False,
    }
    assert (frame.part, frame.resolved, frame.symbol_refs) == (0, True, ())


def test_absent_keys_are_left_out_and_not_null() -> None:
    assert set(resolved().contents) == {
        "raw_id",
        "mangled_name",
        "source",
        "in_app",
        "resolved_name",
        "lang",
        "resolved",
        "synthetic",
        "suspicious",
    }


def test_variables_are_beside_the_shared_contents_and_not_in_them() -> None:
    frame = resolved(code_variables={"password": "hunter2"})
    assert frame.code_variables == {"password": "hunter2"}
    assert "hunter2" not in json.dumps(frame.contents)


def test_a_synthetic_frame_says_so() -> None:
    assert resolved(synthetic=True).contents["synthetic"] is True


def test_the_context_has_the_nearest_line_first_before_and_ascending_after() -> None:
    assert resolved(**FULL).context == {
        "before": [{"number": 6, "line": "    pass"}, {"number": 5, "line": "def run():"}],
        "line": {"number": 7, "line": "raise Boom()"},
        "after": [{"number": 8, "line": "done"}],
    }


def test_line_numbers_end_at_zero() -> None:
    context = resolved(lineno=2, context_line="x", pre_context=["a", "b", "c"]).context
    assert context is not None
    assert [(one["number"], one["line"]) for one in context["before"]] == [(1, "c"), (0, "b"), (0, "a")]


@pytest.mark.parametrize(
    "fields", [{"lineno": 3}, {"context_line": "x"}, {"pre_context": ["a"], "post_context": ["b"]}]
)
def test_without_a_line_or_its_number_there_is_no_context(fields: dict[str, object]) -> None:
    assert resolved(**fields).context is None


def test_a_line_is_cut_at_three_hundred_characters() -> None:
    context = resolved(lineno=1, context_line="é" * 301, post_context=["y" * 300]).context
    assert context is not None
    assert context["line"]["line"] == "é" * 300 + "...✂️"
    assert context["after"][0]["line"] == "y" * 300


def test_the_context_is_bounded_to_the_fifty_nearest_lines_of_each_side() -> None:
    lines = [str(number) for number in range(200)]
    context = resolved(lineno=1000, context_line="x", pre_context=lines, post_context=lines).context
    assert context is not None
    assert [one["line"] for one in context["before"]] == [str(number) for number in range(199, 149, -1)]
    assert [one["line"] for one in context["after"]] == [str(number) for number in range(50)]


def test_a_file_name_of_megabytes_is_cut_in_what_is_shown() -> None:
    source = resolved(filename="x" * 2_000_000).contents["source"]
    assert source == "x" * 4093 + "..."


def test_the_id_is_of_the_whole_name_also_where_what_is_shown_is_cut() -> None:
    # SHA-512 of: 5,000 times x ‖ run ‖ 00 00 00 00
    assert resolved(filename="x" * 5000).raw_id[:32] == "3471721b02d3c6459ca350866637c1a5"
    assert resolved(filename="x" * 5000).raw_id != resolved(filename="x" * 5000 + "y").raw_id


# --- in_app -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"abs_path": "/usr/local/lib/python3.11/site-packages/redis/connection.py", "module": "redis.connection"},
        {"abs_path": "C:\\app\\venv\\Lib\\site-packages\\redis\\connection.py"},
        {"filename": "/usr/lib/python3/dist-packages/click/core.py"},
        {"filename": "venv/site-packages/redis/connection.py"},
        {"filename": "/usr/lib/python3.11/socket.py"},
        {"abs_path": "/usr/local/lib/python3.11/socket.py"},
        {"abs_path": "/usr/lib/python3/pdb.py"},
        {"abs_path": "D:\\Lib\\python3.12\\socket.py"},
        {"abs_path": "C:\\Python311\\Lib\\socket.py"},
        {"abs_path": "C:\\Python311-32\\Lib\\socket.py"},
        {"filename": "functools.py", "module": "functools"},
        {"filename": "concurrent/futures/thread.py", "module": "concurrent.futures.thread"},
        {"filename": "<frozen importlib._bootstrap>", "module": "importlib._bootstrap"},
        {"filename": "x", "abs_path": "/app/<frozen importlib._bootstrap>", "module": "importlib._bootstrap"},
        {"filename": "x", "abs_path": "C:\\app\\<frozen runpy>", "module": "runpy"},
    ],
)
def test_libraries_are_not_the_application(fields: dict[str, object]) -> None:
    assert resolved(**fields).contents["in_app"] is False
    assert resolved(**fields, in_app=True).contents["in_app"] is False


@pytest.mark.parametrize(
    "fields",
    [
        {"abs_path": "/app/myapp/views.py", "module": "myapp.views"},
        {"abs_path": "/app/jsonapi/render.py", "module": "jsonapi.render"},
        {"abs_path": "/app/logging/views.py", "module": "logging.views"},  # shadows a module; the path outvotes it
        {"abs_path": "/srv/Lib/app.py"},  # no Python's own
        {"abs_path": "/srv/lib/pythonic/app.py"},
        {"filename": "<string>", "module": "myapp.shell"},
        {"filename": "<json", "abs_path": "/app/json>", "module": "json"},  # neither is a pseudo-file
        {"filename": "parser.py", "module": "parser"},
        {"filename": "app.py"},
        {"filename": "app.py", "module": ""},
    ],
)
def test_the_application_stays_the_application(fields: dict[str, object]) -> None:
    assert resolved(**fields).contents["in_app"] is True


def test_what_the_client_excluded_is_never_raised() -> None:
    assert resolved(abs_path="/app/myapp/views.py", in_app=False).contents["in_app"] is False


def test_the_standard_library_is_a_list_of_its_own_and_of_many_versions() -> None:
    assert {"json", "distutils", "imp", "tomllib", "annotationlib", "_frozen_importlib", "zoneinfo"} <= MODULES
    assert not {"parser", "formatter", "symbol", "__main__", "django", "test"} & MODULES


# --- the real SDK -------------------------------------------------------------------------------------------


def _sent() -> list[dict[str, Any]]:
    requests = json.loads(WIRE.read_text())["requests"]
    events = [event for request in requests for event in request["body"].get("batch", [])]
    lists = [event["properties"].get("$exception_list", []) for event in events]
    return [frame for exceptions in lists for one in exceptions for frame in one["stacktrace"]["frames"]]


def test_every_frame_that_the_real_sdk_sent_is_resolved_with_its_context() -> None:
    sent = _sent()
    assert len(sent) > 20
    for one in sent:
        (frame,) = frames.resolve_frame(frames.read(one))
        assert frame.contents["resolved_name"] == one["function"]
        assert frame.contents["line"] == one["lineno"]
        assert frame.context is not None
        assert frame.context["line"] == {"number": one["lineno"], "line": one["context_line"]}
        assert frame.context["before"][0] == {"number": one["lineno"] - 1, "line": one["pre_context"][-1]}
        assert frame.code_variables == one.get("code_variables")
