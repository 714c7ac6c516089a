"""What holds for the fingerprints of any exceptions, held against the rules spelt out a second time."""

from __future__ import annotations

import re
from hashlib import sha512
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from errortracking.pipeline import fingerprint, order
from errortracking.pipeline.exceptions import Frame, ParsedEvent, ParsedException
from errortracking.pipeline.fingerprint import v2

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = TEXT | st.sampled_from(["/a/main-4f3e2d1c.js?v=1", "C:\\x\\y.py", "shop.cart", "12345678", "abcdefgh", "?"])
MESSAGES = TEXT | st.sampled_from(["took 30.5s", "no 'x' of \"y\"", "at 0xBEEF", "z" * 300, "0123456789abcdef"])
NUMBERS = st.integers(0, 2**32 - 1)
CONTENTS = st.fixed_dictionaries(
    {"mangled_name": NAMES, "in_app": st.booleans(), "resolved": st.booleans(), "lang": TEXT},
    optional={"source": NAMES, "module": NAMES, "resolved_name": NAMES, "line": NUMBERS, "column": NUMBERS},
)
LIBS = st.sampled_from([None, "web", "posthog-python", "posthog-go", "posthog-android"])


def frame(contents: dict[str, Any]) -> Frame:
    shown = {"raw_id": "r/0", "synthetic": False, "suspicious": False, **contents}
    return Frame("r", 0, shown, None, contents["resolved"])  # type: ignore[arg-type]


def exception(type_: str, value: str, stack: list[dict[str, Any]] | None) -> ParsedException:
    kind: Any = None if stack is None else "raw"
    return ParsedException(id="i", type=type_, value=value, stack=kind, frames=[frame(one) for one in stack or []])


EXCEPTIONS = st.lists(
    st.builds(exception, TEXT, MESSAGES, st.none() | st.lists(CONTENTS, max_size=4)), min_size=1, max_size=3
)


def values(exceptions: list[ParsedException], lib: str | None = None) -> dict[str | None, str]:
    found = fingerprint.candidates(ParsedEvent(UUID(int=7), exceptions, {}, lib=lib))
    return {one.version: one.value for one in found}


# --- the rules, a second time -------------------------------------------------------------------------------


def chosen_v1(frames: list[Frame]) -> list[Frame]:
    if all(not one.contents["in_app"] for one in frames):
        return frames[:1]
    some = any(one.contents["resolved"] for one in frames)
    return [one for one in frames if one.contents["in_app"] and (one.contents["resolved"] or not some)]


def short(source: str) -> str:
    """Return version 2's source: a word of eight and more with a digit in it is a build's."""
    last = re.split(r"[/\\]", source.split("?")[0])[-1]
    words = re.split(r"([A-Za-z0-9]+)", last)
    return "".join("*" if len(word) >= 8 and re.search("[0-9]", word) else word for word in words)


def masked(text: str) -> str:
    text = re.sub(r"""'[^']*'|"[^"]*\"""", "'*'", text)
    text = re.sub(r"0x[0-9a-fA-F]+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}", "*", text)
    return re.sub(r"\d+(\.\d+)?", "#", text)[:200]


def expected(exceptions: list[ParsedException], newest: bool) -> str:
    text = ""
    for one in exceptions:
        text += one.type
        if one.stack is None:
            text += masked(one.value) if newest else one.value
        for used in one.frames if newest else chosen_v1(one.frames):
            shown = used.contents
            if "source" in shown:
                text += short(shown["source"]) if newest else shown["source"]
            if "module" in shown:
                text += shown["module"].split("?")[0] if newest else shown["module"]
            if "resolved_name" in shown:
                text += shown["resolved_name"]
                continue
            text += shown["mangled_name"]
            if not newest:
                text += "".join(str(shown[key]) for key in ("line", "column") if key in shown)
            text += shown["lang"]
    return sha512(text.encode()).hexdigest()


@given(EXCEPTIONS)
def test_any_exceptions_are_hashed_by_the_rules(exceptions: list[ParsedException]) -> None:
    assert values(exceptions) == {"v1": expected(exceptions, False), "v2": expected(exceptions, True)}


# --- what follows from them ---------------------------------------------------------------------------------


@given(EXCEPTIONS, LIBS)
def test_a_legacy_version_is_its_twin_over_the_order_before(exceptions: list[ParsedException], lib: str | None) -> None:
    found = values(exceptions, lib)
    before = order.legacy(exceptions, lib)
    assert (before is None) == ("v1_legacy" not in found) == ("v2_legacy" not in found)
    if before is not None:
        assert {name: found[f"{name}_legacy"] for name in ("v1", "v2")} == values(before)


@given(EXCEPTIONS, NUMBERS, st.booleans())
def test_lines_columns_and_in_app_do_not_move_version_2(
    exceptions: list[ParsedException], number: int, in_app: bool
) -> None:
    before = values(exceptions)["v2"]
    for one in exceptions:
        for used in one.frames:
            used.contents |= {"line": number, "column": number, "in_app": in_app}
    assert values(exceptions)["v2"] == before


@given(MESSAGES)
def test_a_masked_message_is_masked(text: str) -> None:
    once = v2.message(text)
    assert len(once) <= 200
    assert not re.search(r"\d", once)


@given(NAMES)
def test_a_shortened_source_names_no_folder_query_or_build(name: str) -> None:
    once = v2.source(name)
    assert not set(once) & set("/\\?")
    assert not [word for word in re.findall("[A-Za-z0-9]{8,}", once) if re.search("[0-9]", word)]
    assert v2.source(once) == once


@given(TEXT | st.text("xé", min_size=20, max_size=80))
def test_a_clients_own_fingerprint_is_kept_up_to_64_bytes(text: str) -> None:
    made = fingerprint.manual(text)
    data = text.encode()
    assert made.value == (text if len(data) <= 64 else sha512(data).hexdigest())
    assert (made.version, made.record) == (None, [{"type": "manual"}])
