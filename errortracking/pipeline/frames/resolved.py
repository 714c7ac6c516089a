"""Frames that a client sends resolved already (``stacktrace.type = resolved``): checked, and given an id of ours.

The id that the client sent is thrown away. Stack-frame rows are shared by all events of a project, and a
client that may name a row could rewrite what other events show. Ours is SHA-512 over the contents (keys
sorted, as JSON): a rule of this project's own.
"""

from __future__ import annotations

from typing import cast

import orjson

from errortracking.pipeline.clean import cut
from errortracking.pipeline.exceptions import Contents, Frame, Json, JsonObject
from errortracking.pipeline.frames.base import MAX_TEXT, Malformed, described, is_uint32, raw_id

_TEXTS = ("mangled_name", "lang", "source", "module", "resolved_name", "resolve_failure")
_FLAGS = ("in_app", "resolved", "synthetic", "suspicious")
_NUMBERS = ("line", "column")
_REQUIRED = ("mangled_name", "in_app", "lang", "resolved")


def read(sent: object) -> Frame:
    """Return a frame that came resolved; raise ``Malformed`` where the shape is wrong. Unknown keys are dropped."""
    if not isinstance(sent, dict):
        raise Malformed(f"invalid type: {described(sent)}, expected a map")
    shown: JsonObject = {"synthetic": False, "suspicious": False}
    for key, value in sent.items():
        if value is not None and (key in _TEXTS or key in _FLAGS or key in _NUMBERS or key == "junk_drawer"):
            shown[key] = _checked(key, value)
    for key in _REQUIRED:
        if key not in shown:
            raise Malformed(f"missing field `{key}`")
    id_ = raw_id(orjson.dumps(shown, option=orjson.OPT_SORT_KEYS))
    contents = cast(Contents, {"raw_id": f"{id_}/0", **shown})
    return Frame(id_, 0, contents, None, contents["resolved"], code_variables=sent.get("code_variables"))


def _checked(key: str, value: Json) -> Json:
    if key in _TEXTS and isinstance(value, str):
        return cut(value, MAX_TEXT)
    if key in _FLAGS and isinstance(value, bool):
        return value
    if key in _NUMBERS and is_uint32(value):
        return value
    if key == "junk_drawer" and isinstance(value, dict):
        return value
    raise Malformed(f"invalid type: {described(value)} for `{key}`")
