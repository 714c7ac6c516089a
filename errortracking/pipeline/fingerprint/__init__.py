"""Which issue an event belongs to: its fingerprint.

In this order: what the client says (``$exception_fingerprint``), a grouping rule of the project (``custom``),
else the automatic versions. Of those all are computed, and the newest that already belongs to an issue wins;
if none does, the newest makes the issue. So an algorithm can be replaced without splitting the issues of its
predecessor.

The legacy versions are v1 and v2 over the order in which some SDKs used to send their lists and frames
(``pipeline.order``). They never make an issue: the canonical ones are always newer.

**A fingerprint version never changes once shipped.** The tests pin hand-worked values of each.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from hashlib import sha512
from uuid import UUID

from errortracking.pipeline.exceptions import ParsedEvent
from errortracking.pipeline.fingerprint import v1, v2
from errortracking.pipeline.fingerprint.hashing import Fingerprint, compute
from errortracking.pipeline.order import legacy

__all__ = ["Fingerprint", "candidates", "choose", "custom", "manual"]

MANUAL_LENGTH = 64  # bytes; longer ones are hashed, so that the key of an issue stays short


def candidates(event: ParsedEvent) -> list[Fingerprint]:
    """Return the fingerprints that a resolved ``event`` may be known by, newest first; a client's own is the only one.

    Legacy versions are left out where the order is no different: they would be equal to their canonical
    twins, which win.
    """
    if event.fingerprint is not None:
        return [manual(event.fingerprint)]
    found = [compute("v2", v2.RULES, event.exceptions), compute("v1", v1.RULES, event.exceptions)]
    before = legacy(event.exceptions, event.lib)
    if before is not None:
        found += [compute("v2_legacy", v2.RULES, before), compute("v1_legacy", v1.RULES, before)]
    return found


def choose(found: Sequence[Fingerprint], known: Container[str]) -> Fingerprint:
    """Return the newest of ``found`` (newest first, not empty) whose value is ``known``, else the newest."""
    return next((fingerprint for fingerprint in found if fingerprint.value in known), found[0])


def manual(value: str) -> Fingerprint:
    """Return the fingerprint that a client chose: kept, or its SHA-512 if longer than 64 bytes."""
    data = value.encode()
    return Fingerprint(sha512(data).hexdigest() if len(data) > MANUAL_LENGTH else value, None, [{"type": "manual"}])


def custom(rule_id: UUID) -> Fingerprint:
    """Return the fingerprint of everything that a grouping rule matches."""
    return Fingerprint(f"custom-rule:{rule_id}", None, [{"type": "custom", "rule_id": str(rule_id)}])
