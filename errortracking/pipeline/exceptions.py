"""The plain data that the pipeline's pure stages pass on: an event, its exceptions, their frames.

Nothing here knows Django, the database or the clock. The pure stages in their order::

    event = parse.parse(uuid, properties, at)      # clean, check, cut, bring into canonical order
    frames.resolve(event)                          # raw frames → event.exceptions[n].frames
    found = fingerprint.candidates(event)          # newest first
    chosen = fingerprint.choose(found, known={...})  # known: those of the values that already belong to an issue
    derive.outputs(event.exceptions)               # $exception_types, …

Slots and not frozen: these objects are made once per event or frame, live for one batch and belong to the
pipeline alone; making a frozen instance takes a call for each field.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Required, TypedDict
from uuid import UUID

from errortracking.pipeline.images import NO_IMAGES, DebugImages

# Recursive, and Python 3.11 has no ``type`` statement: the forward references are strings.
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
JsonObject = dict[str, Json]


class RawFrame(TypedDict, total=False):
    """A frame as its SDK sent it, checked and reduced to the fields that its platform knows (absent ones are absent).

    Which field stands for which platform is told by the tables in ``frames``; ``platform``, ``in_app`` and
    ``synthetic`` always stand.
    """

    platform: Required[str]
    in_app: Required[bool]
    synthetic: Required[bool]
    filename: str
    abs_path: str
    function: str
    module: str
    package: str
    lang: str
    lineno: int
    colno: int
    context_line: str
    pre_context: list[str]
    post_context: list[str]
    code_variables: Json
    chunk_id: str
    map_id: str
    method_synthetic: bool
    resolved: bool
    instruction_addr: str
    image_addr: str


class Contents(TypedDict, total=False):
    """A resolved frame as the API shows it in ``contents``; absent optional keys are left out, never null."""

    raw_id: Required[str]  # "<hash>/<part>"
    mangled_name: Required[str]
    in_app: Required[bool]
    lang: Required[str]
    resolved: Required[bool]
    synthetic: Required[bool]
    suspicious: Required[bool]
    line: int
    column: int
    source: str
    module: str
    resolved_name: str
    resolve_failure: str
    junk_drawer: JsonObject  # {"raw_frame": …}: what the SDK sent, for frames of minified languages


class ContextLine(TypedDict):
    """One line of source code with its number in the file."""

    number: int
    line: str


class Context(TypedDict):
    """The source lines around a frame. From an SDK's lines ``before`` is nearest first, from a source map ascending."""

    before: list[ContextLine]
    line: ContextLine
    after: list[ContextLine]


@dataclass(slots=True)
class Frame:
    """One resolved frame: what goes into the shared stack-frame row, and beside it what belongs to this event alone.

    Rows are keyed by (``raw_id``, ``part``); one raw frame may resolve to several parts (inlining).
    ``symbol_refs`` are the references under which a symbol set would be looked up, in order (chunk id before
    URL); empty when the frame needs none. ``missing_ref`` is the one for lack of which the frame failed, and
    ``platform`` the tag that it takes to resolve it again. ``code_variables`` are of this occurrence and never
    part of ``contents``.
    """

    raw_id: str
    part: int
    contents: Contents
    context: Context | None
    resolved: bool
    symbol_refs: tuple[str, ...] = ()
    code_variables: Json = None
    missing_ref: str | None = None
    platform: str | None = None


@dataclass(slots=True)
class ParsedException:
    """One entry of ``$exception_list``, cleaned and cut. ``id`` is made here (UUIDv7); a client's own is thrown away.

    ``stack`` tells what the client sent: ``raw`` (``raw_frames`` wait for ``frames.resolve``), ``resolved``
    (``frames`` are filled already) or None. ``mechanism`` keeps keys that this project does not know.
    """

    id: str
    type: str
    value: str = ""
    mechanism: JsonObject | None = None
    module: str | None = None
    thread_id: int | None = None
    stack: Literal["raw", "resolved"] | None = None
    raw_frames: list[RawFrame] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)


@dataclass(slots=True)
class ParsedEvent:
    """An event after ``parse``. ``exceptions`` is empty exactly when the event cannot be grouped; it is kept even so.

    ``exceptions`` is in canonical order (outermost first, root cause last; frames entry first, crash last).
    ``properties`` is everything else, cleaned, without the reserved output names; ``$exception_list`` stands
    in it, as it came, only where it could not be read. ``errors`` are the texts for ``$cymbal_errors``; they
    may stand beside exceptions (something was cut). ``fingerprint`` is the client's own (manual) one. Nothing
    of ``properties`` has been interpreted further.
    """

    uuid: UUID
    exceptions: list[ParsedException]
    properties: JsonObject
    lib: str | None = None
    lib_version: str | None = None
    fingerprint: str | None = None
    issue_name: str | None = None
    issue_description: str | None = None
    debug_images: DebugImages = NO_IMAGES
    errors: list[str] = field(default_factory=list)
