"""``manage.py revoke_key``: keys, listed and ended from the shell."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from environments.models import PersonalAPIKey
from tests.environments.world import Api, World, make_world, stranger, world

__all__ = ["stranger", "world"]

MOMENT = datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC)


def revoke(*words: str, stdin: str = "", monkeypatch: pytest.MonkeyPatch | None = None) -> tuple[str, str]:
    """Run the command; return what it wrote."""
    out, err = io.StringIO(), io.StringIO()
    if monkeypatch is not None:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    call_command("revoke_key", *words, stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


def row(world: World, value: str, **fields: Any) -> PersonalAPIKey:
    PersonalAPIKey.objects.filter(pk=world.keys[value].pk).update(**fields)
    return PersonalAPIKey.objects.get(pk=world.keys[value].pk)


def left() -> set[str]:
    return set(PersonalAPIKey.objects.values_list("pk", flat=True))


@pytest.mark.parametrize("by", ["pk", "mask_value", "label", "value"])
def test_a_key_is_ended_by_its_id_its_mask_its_label_or_its_value(
    world: World, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    value, other = world.key("*"), world.key("*")
    key = row(world, value, label="leaked")
    if by == "value":
        out, err = revoke("--stdin", stdin=f"  {value}\n", monkeypatch=monkeypatch)
    else:
        out, err = revoke(getattr(key, by))
    assert err == "1 key is ended:\n"
    assert key.pk in out
    assert left() == {world.keys[other].pk}
    assert Api(world.project, value).get("error_tracking/releases/").status_code == 401
    assert Api(world.project, other).get("error_tracking/releases/").status_code == 200


def test_the_list_shows_keys_and_ends_none(world: World) -> None:
    value = world.key("error_tracking:read", "health_issue:read", last_used_at=None)
    key = row(world, value, label="a\x1b[31mb", created_at=MOMENT, expires_at=MOMENT)
    out, err = revoke("--list")
    heading, line = out.splitlines()
    assert heading.split() == ["ID", "MASK", "LABEL", "USER", "CREATED", "LAST", "USED", "EXPIRES", "SCOPES"]
    assert re.split(r"  +", line) == [
        key.pk,
        f"phx_...{value[-4:]}",
        "a?[31mb",
        world.user.email,
        "2026-03-01T12:30:05Z",
        "never",
        "2026-03-01T12:30:05Z",
        "error_tracking:read,health_issue:read",
    ]
    assert (err, left()) == ("", {key.pk})
    assert json.loads(revoke("--list", "--json")[0]) == [
        {
            "id": key.pk,
            "mask": f"phx_...{value[-4:]}",
            "label": "a\x1b[31mb",
            "email": world.user.email,
            "created_at": "2026-03-01T12:30:05Z",
            "last_used_at": None,
            "expires_at": "2026-03-01T12:30:05Z",
            "scopes": ["error_tracking:read", "health_issue:read"],
        }
    ]


def test_of_several_that_match_none_is_ended_unless_told(world: World, stranger: World) -> None:
    keys = {row(one, one.key("*"), label="ci").pk for one in (world, world, stranger)}
    other = row(world, world.key("*"), label="other").pk
    with pytest.raises(CommandError, match="3 keys match, and none was ended") as told:
        revoke("ci")
    assert all(key in str(told.value) for key in keys)
    assert left() == keys | {other}
    assert len(revoke("ci", "--list")[0].splitlines()) == 4
    assert revoke("ci", "--email", stranger.user.email.upper())[1] == "1 key is ended:\n"
    assert len(left()) == 3
    assert revoke("ci", "--all")[1] == "2 keys are ended:\n"
    assert left() == {other}


def test_all_keys_of_a_user_are_ended_at_once(world: World, stranger: World) -> None:
    world.key("*")
    world.key("*")
    kept = stranger.key("*")
    assert revoke("--email", world.user.email, "--all")[1] == "2 keys are ended:\n"
    assert left() == {stranger.keys[kept].pk}


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        ((), "", "Which key?"),
        (("--email", "x@example.com"), "", "Which key?"),
        (("--all",), "", "Which key?"),
        (("nobody",), "", "No key matches, and none was ended."),
        (("--stdin",), "", "There was no value on standard input."),
        (("--stdin",), "\nphx_x\n", "There was no value on standard input."),
        (("--stdin",), "phx_unknown\n", "No key matches, and none was ended."),
        (("a", "--stdin"), "phx_unknown\n", "but not both."),
        (("a\udce9",), "", "No key matches, and none was ended."),  # what Python makes of bytes that are not UTF-8
        (("--email", "a\udce9@example.com", "--all"), "", "No key matches, and none was ended."),
        (("--stdin",), "phx_\udce9\n", "No key matches, and none was ended."),
    ],
)
def test_what_names_no_key_ends_none(
    world: World, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], stdin: str, said: str
) -> None:
    world.key("*")
    with pytest.raises(CommandError, match=re.escape(said)):
        revoke(*words, stdin=stdin, monkeypatch=monkeypatch)
    assert len(left()) == 1


def test_a_value_on_the_command_line_is_refused(world: World) -> None:
    """Everybody on the machine can read it there, and the shell's history keeps it."""
    value = world.key("*")
    with pytest.raises(CommandError, match="say --stdin") as told:
        revoke(value)
    assert value not in str(told.value)
    assert len(left()) == 1


@pytest.mark.django_db
def test_without_keys_the_list_is_empty() -> None:
    make_world()
    assert revoke("--list", "--json")[0] == "[]\n"
