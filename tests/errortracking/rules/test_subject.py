"""What a rule sees of an exception."""

from __future__ import annotations

from typing import Any

import pytest

from errortracking.rules.subject import Key, Subject


def event(name: str) -> Key:
    return Key("event", name)


def test_what_the_server_derives_is_made_once_and_wins_over_what_was_sent() -> None:
    calls: list[None] = []

    def derive() -> dict[str, Any]:
        calls.append(None)
        return {"$exception_types": ["KeyError"]}

    subject = Subject({"$exception_types": ["forged"], "shop": "Berlin"}, derive)
    assert calls == []
    assert subject.get(event("$exception_types")) == ["KeyError"]
    assert subject.get(event("shop")) == "Berlin"
    assert subject.get(event("nothing")) is None
    assert calls == [None]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("$exception_release.version", "1.2"),
        ("$exception_release.metadata.git.branch", "main"),
        ("$exception_release.nothing", None),
        ("$exception_release.version.major", None),
        ("$exception_release.", None),
        (".", None),
        ("list.0", None),
        ("with.dot", "itself"),  # a property whose name has a dot goes first
        ("with.other", "inner"),
    ],
)
def test_a_path_of_names_leads_into_objects(name: str, found: str | None) -> None:
    properties: dict[str, Any] = {
        "$exception_release": {"version": "1.2", "metadata": {"git": {"branch": "main"}}},
        "list": ["a"],
        "with.dot": "itself",
        "with": {"dot": "inner", "other": "inner"},
    }
    assert Subject(properties).get(event(name)) == found


def test_the_issue_is_there_for_who_has_one() -> None:
    key = Key("error_tracking_issue", "name")
    assert Subject({"name": "x"}).get(key) is None
    assert Subject({"name": "x"}, issue={"name": "KeyError"}).get(key) == "KeyError"
    assert Subject({"name": "x"}, issue={"name": None}).get(key) is None
