"""What a check says, and how all of them are run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from config import logs

State = Literal["ok", "note", "wrong", "skipped"]
"""``note``: worth to know, and not wrong by itself. ``skipped``: it could not be looked at."""


@dataclass(frozen=True)
class Finding:
    """What one check has found. ``fix`` is empty where there is nothing to do."""

    check: str
    state: State
    text: str
    fix: str = ""


@dataclass(frozen=True)
class Check:
    """A thing to look at. ``ask`` yields what it finds, once the check named by ``after`` has found nothing wrong."""

    name: str
    ask: Callable[[], Iterable[Finding]]
    after: str = ""


def ok(check: str, text: str) -> Finding:
    """Return that all is well."""
    return Finding(check, "ok", text)


def note(check: str, text: str, fix: str = "") -> Finding:
    """Return what is worth to know."""
    return Finding(check, "note", text, fix)


def wrong(check: str, text: str, fix: str) -> Finding:
    """Return what is wrong and how to mend it."""
    return Finding(check, "wrong", text, fix)


def run(checks: Iterable[Check]) -> Iterator[Finding]:
    """Yield what the checks find. What comes after something wrong, or skipped, is skipped.

    A check that fails is something wrong, too, and the others go on.
    """
    bad: set[str] = set()
    for check in checks:
        if check.after in bad:
            bad.add(check.name)
            yield Finding(check.name, "skipped", f"This can be looked at when {check.after!r} is all right.")
            continue
        try:
            found = list(check.ask())
        except Exception as error:
            text = logs.redact(f"{type(error).__name__}: {error}").strip()
            found = [wrong(check.name, f"This could not be looked at: {text}", "Report this, with the text.")]
        if any(one.state == "wrong" for one in found):
            bad.add(check.name)
        yield from found


def as_text(findings: Iterable[Finding]) -> str:
    """Return the findings as lines, a remedy below what it is for."""
    lines = []
    for one in findings:
        first, *more = one.text.splitlines() or [""]
        lines.append(f"{one.state.upper():8}{one.check}: {first}")
        lines += [f"{'':8}{line}" for line in more]
        lines += [f"{'':8}→ {line}" for line in one.fix.splitlines()]
    return "\n".join(lines)
