"""How the doctor's checks are run and written down."""

from __future__ import annotations

from collections.abc import Iterator

from runtime.operations.doctor import report
from runtime.operations.doctor.checks import CHECKS
from runtime.operations.doctor.report import Check, Finding, note, ok, wrong


def good() -> Iterator[Finding]:
    yield ok("good", "Fine.")


def bad() -> Iterator[Finding]:
    yield note("bad", "By the way.")
    yield wrong("bad", "Broken:\nin two lines.", "Mend it.\nThen again.")


def fails() -> Iterator[Finding]:
    yield ok("fails", "so far")
    raise ValueError("phx_0123456789012345678901234567890123456789012 is no number")


def test_what_comes_after_something_wrong_is_skipped_and_so_is_what_comes_after_that() -> None:
    checks = (
        Check("bad", bad),
        Check("next", good, after="bad"),
        Check("next but one", good, after="next"),
        Check("good", good),
        Check("after good", good, after="good"),
    )
    states = [(one.check, one.state) for one in report.run(checks)]
    assert states == [
        ("bad", "note"),
        ("bad", "wrong"),
        ("next", "skipped"),
        ("next but one", "skipped"),
        ("good", "ok"),
        ("good", "ok"),
    ]


def test_a_check_that_fails_is_something_wrong_and_the_others_go_on() -> None:
    first, second = report.run([Check("fails", fails), Check("good", good)])
    assert (first.state, second.state) == ("wrong", "ok")
    assert first.text.startswith("This could not be looked at: ValueError: ")
    assert "phx_0123456789" not in first.text


def test_the_text_has_each_remedy_below_what_it_is_for() -> None:
    assert report.as_text([*good(), *bad()]) == (
        "OK      good: Fine.\n"
        "NOTE    bad: By the way.\n"
        "WRONG   bad: Broken:\n"
        "        in two lines.\n"
        "        → Mend it.\n"
        "        → Then again."
    )


def test_each_check_comes_after_one_that_was_made_before() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names) == 18
    for number, check in enumerate(CHECKS):
        assert not check.after or check.after in names[:number]
