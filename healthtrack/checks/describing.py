"""What people are told about a health issue: by the check that found it, or in general where that kind is no more."""

from __future__ import annotations

from typing import NamedTuple

from healthtrack.checks.base import Payload, Remediation
from healthtrack.checks.registry import CHECKS

ADMIN = "/admin/healthtrack/healthissue/"


class Description(NamedTuple):
    """Texts about one issue. They may quote events: untrusted."""

    title: str
    summary: str
    link: str
    remediation: Remediation | None


def describe(kind: str, severity: str, payload: Payload) -> Description:
    """Return the texts about an issue of this kind. Without a remediation where no check of the kind is known.

    Checks read payloads of their own shape. A row may hold another: of another version of the check, say. Such an issue
    is still shown, in general words.
    """
    check = CHECKS.get(kind)
    if check is None:
        return Description(kind.replace("_", " ").capitalize(), f"{kind} ({severity})", ADMIN, None)
    try:
        title, summary = check.title_of(payload), check.summary_of(payload, severity)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        title, summary = check.title, f"{kind} ({severity})"
    return Description(title, summary, check.link, check.remediation)
