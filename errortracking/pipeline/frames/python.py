"""Python frames: complete as sent. Only ``in_app`` is corrected, and only ever lowered.

SDKs judge ``in_app`` by the machine they run on and say true when unsure, so the same crash arrives with
different masks. Fingerprint v1 chooses frames by the mask; frames that are plainly not the application's own
are therefore lowered here. An explicit false of the client is never raised.
"""

from __future__ import annotations

import re

from errortracking.pipeline.exceptions import Frame, RawFrame
from errortracking.pipeline.frames.base import (
    SOURCE_CONTEXT,
    Images,
    Kind,
    Platform,
    contents,
    number,
    optional,
    required,
    source_context,
    surrounding,
    texts,
)
from errortracking.pipeline.frames.python_stdlib import MODULES

_INSTALLED = re.compile(r"[/\\](?:site|dist)-packages[/\\]")
# /usr/lib/python3.11/socket.py and C:\Python311\Lib\socket.py. A bare /Lib/ would take applications' own
# folders for it.
_STANDARD_LIBRARY = re.compile(r"[/\\][Ll]ib[/\\]python\d+(?:\.\d+)?[/\\]|[/\\]Python\d+(?:-\d+)?[/\\]Lib[/\\]")


def _identity(raw: RawFrame, images: Images) -> bytes:
    return b"".join(
        (
            texts(raw, "context_line", "filename", "function"),
            number(raw, "lineno"),
            texts(raw, "module"),
            surrounding(raw),
        )
    )


def _is_library(raw: RawFrame) -> bool:
    path, filename = raw.get("abs_path"), raw["filename"]
    standard = raw.get("module", "").partition(".")[0] in MODULES
    if standard and (_is_pseudo(filename) or (path is not None and _is_pseudo(_last_part(path)))):
        return True  # <frozen importlib._bootstrap>: SDKs put the working directory before it
    if path is not None:  # a path outvotes the module's name: an application may have a package called «logging»
        return bool(_INSTALLED.search(path) or _STANDARD_LIBRARY.search(path))
    return standard or bool(_INSTALLED.search(filename) or _STANDARD_LIBRARY.search(filename))


def _is_pseudo(name: str) -> bool:
    return name.startswith("<") and name.endswith(">")


def _last_part(path: str) -> str:
    return path[max(path.rfind("/"), path.rfind("\\")) + 1 :]


def _resolve(raw: RawFrame, id_: str, images: Images) -> list[Frame]:
    shown = contents(raw, id_, "python", raw["function"])
    shown["source"] = raw["filename"]
    shown["resolved_name"] = raw["function"]
    if "lineno" in raw:
        shown["line"] = raw["lineno"]
    if "module" in raw:
        shown["module"] = raw["module"]
    if raw["in_app"] and _is_library(raw):
        shown["in_app"] = False
    return [Frame(id_, 0, shown, source_context(raw), True, code_variables=raw.get("code_variables"))]


PLATFORM = Platform(
    tags=("python",),
    fields=(
        required("filename"),
        required("function"),
        optional("abs_path"),
        optional("module"),
        optional("lineno", Kind.NUMBER),
        *SOURCE_CONTEXT,
        optional("code_variables", Kind.ANY),
    ),
    identity=_identity,
    resolve=_resolve,
)
