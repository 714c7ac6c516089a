"""Strategies: events' properties that are nearly right, and any other value that a JSON parser returns."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from errortracking.pipeline import frames

TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


def almost(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with these fields, each of them sometimes missing and sometimes anything."""
    return st.fixed_dictionaries({}, optional={key: value | JSON for key, value in fields.items()})


NUMBERS = st.integers(0, 2**32 - 1)
FRAMES = almost(
    platform=st.sampled_from(sorted(frames.PLATFORMS)),
    filename=TEXT | st.sampled_from(["http://a.test/b.js:1:2", "https://[", "<frozen os>"]),
    function=TEXT,
    module=TEXT,
    lang=TEXT,
    abs_path=TEXT,
    lineno=NUMBERS,
    colno=NUMBERS,
    context_line=TEXT,
    pre_context=st.lists(TEXT, max_size=3),
    post_context=st.lists(TEXT, max_size=3),
    chunk_id=TEXT,
    map_id=TEXT,
    in_app=st.booleans(),
    instruction_addr=TEXT | st.just("0x10"),
    image_addr=TEXT | st.just("0x1"),
    mangled_name=TEXT,
    resolved=st.booleans(),
    code_variables=JSON,
)
EXCEPTIONS = almost(
    type=TEXT,
    value=TEXT,
    mechanism=almost(handled=st.booleans(), type=TEXT),
    stacktrace=almost(type=st.sampled_from(["raw", "resolved"]), frames=st.lists(FRAMES, max_size=3)),
)
PROPERTIES = almost(
    **{
        "$exception_list": st.lists(EXCEPTIONS, max_size=3),
        "$exception_fingerprint": TEXT,
        "$issue_name": TEXT,
        "$lib": st.sampled_from(["posthog-python", "posthog-go", "web"]),
        "$lib_version": TEXT | st.just("1.0.0"),
        "$debug_images": st.lists(almost(debug_id=TEXT, image_addr=st.just("0x1"), image_size=NUMBERS), max_size=2),
    }
)
