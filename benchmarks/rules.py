"""What rules cost, without a database: ``.venv/bin/python benchmarks/rules.py``.

Rules of one condition are tried on an exception of ordinary size (a chain of two, nine files, a message of 80
characters, a text of 4 KB), never matching, so that all of it is looked at. Expressions have seen the short texts
before, as is mostly so. Prints microseconds of CPU time per exception, the best of several runs.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from errortracking.rules.filters import Predicate, compile_filters
from errortracking.rules.subject import Subject

EXCEPTIONS, RUNS = 2_000, 5
DERIVED: dict[str, Any] = {
    "$exception_types": ["CheckoutFailed", "KeyError"],
    "$exception_values": ["no price for " + "x" * 67, "'price'"],
    "$exception_sources": [f"shop/module_{number}.py" for number in range(9)],
    "$exception_functions": [f"function_{number}" for number in range(9)],
}
SENT: dict[str, Any] = {"retries": 3, "log": "-" * 4_096, **{f"property {number}": "value" for number in range(40)}}
CONDITIONS: dict[str, dict[str, Any]] = {
    "exact, a list of two": {"key": "$exception_types", "operator": "exact", "value": ["OSError", "TypeError"]},
    "icontains, two texts": {"key": "$exception_values", "operator": "icontains", "value": "no money"},
    "regex, nine texts": {"key": "$exception_sources", "operator": "regex", "value": r"^vendor/.*\.py$"},
    "gt": {"key": "retries", "operator": "gt", "value": 5},
    "icontains, 4 KB": {"key": "log", "operator": "icontains", "value": "no money"},
    "regex, 4 KB": {"key": "log", "operator": "regex", "value": "(warning|error): no money"},
    "is_not_set": {"key": "retries", "operator": "is_not_set"},
}


def rule(*conditions: dict[str, Any]) -> Predicate:
    """Return a rule that any of the conditions would match."""
    return compile_filters({"type": "OR", "values": list(conditions)})


def microseconds(rules: list[Predicate]) -> float:
    """Return the CPU time of trying all ``rules`` on one exception."""
    best = float("inf")
    for _ in range(RUNS):
        subjects = [Subject(SENT, lambda: DERIVED) for _ in range(EXCEPTIONS)]
        started = time.process_time()
        for subject in subjects:
            for one in rules:
                assert not one(subject)
        best = min(best, time.process_time() - started)
    return best / EXCEPTIONS * 1e6


def main() -> None:
    """Print a line for each measurement."""
    nothing = microseconds([rule({"key": "no", "value": "no"})])
    print(f"{'a rule of one condition on nothing':36}{nothing:8.2f} µs per exception")
    for name, condition in CONDITIONS.items():
        print(f"{name:36}{microseconds([rule(condition)]):8.2f} µs")
    twenty = [rule(*list(CONDITIONS.values())[:4]) for _ in range(20)]
    print(f"{'twenty rules of the first four':36}{microseconds(twenty):8.2f} µs")


if __name__ == "__main__":
    main()
