"""Version 2: every frame, without what changes from build to build and from event to event. Frozen; see ``hashing``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from errortracking.pipeline.exceptions import Frame
from errortracking.pipeline.fingerprint.hashing import Rules

MESSAGE_LENGTH = 200  # characters, after masking

_LONG_WORD = re.compile(r"[A-Za-z0-9]{8,}")
_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")
_HEX = re.compile(
    r"0x[0-9a-fA-F]+"
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|[0-9a-fA-F]{16,}"
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")  # digits of every script


def _choose(frames: Sequence[Frame]) -> Sequence[Frame]:
    return frames


def source(name: str) -> str:
    """Return a file's name without query, folders and build hashes: /assets/chunk-PGUQKT6S.js?v=1 → chunk-*.js."""
    name = name.partition("?")[0]
    name = name[max(name.rfind("/"), name.rfind("\\")) + 1 :]
    return _LONG_WORD.sub(_without_hash, name)


def _without_hash(match: re.Match[str]) -> str:
    # Not a lookahead in the pattern: on a long word without a digit it would look ahead from each of its
    # letters.
    word = match[0]
    return word if word.isalpha() else "*"


def module(name: str) -> str:
    """Return a module's name without its query; it is a name and no path, and keeps digits and dots."""
    return name.partition("?")[0]


def message(text: str) -> str:
    """Return a message with quoted parts, ids and numbers masked, in this order, then cut."""
    text = _QUOTED.sub("'*'", text)
    text = _HEX.sub("*", text)
    return _NUMBER.sub("#", text)[:MESSAGE_LENGTH]


RULES = Rules(choose=_choose, source=source, module=module, message=message, positions=False)
