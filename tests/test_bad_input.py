"""Every route against requests that nobody should send: the answer is literally known, and nothing has changed.

What is wrong with single fields stands in the file of each endpoint; here is what all of them have in common.
"""

from __future__ import annotations

from typing import Any, Final

import pytest

from environments.models import Project
from tests.environments.world import NOT_FOUND, World, answer, error, world
from tests.furnishing import furnish
from tests.isolation import KINDS, TABLE, Answer
from tests.matrix import addresses, fill, stored, unhurried

__all__ = ["unhurried", "world"]  # fixtures

JSON, FORM, PARTS = "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
WRITES: Final = sorted(key for key in TABLE if key[0] != "GET")
every_write = pytest.mark.parametrize(("method", "path"), WRITES, ids=lambda value: value)
every_row = pytest.mark.parametrize(("method", "path"), sorted(TABLE), ids=lambda value: value)


def not_parsed(text: str) -> Answer:
    return error(400, "invalid_request", "parse_error", text)


TOO_DEEP: Final = not_parsed("JSON parse error - nested more than 200 levels deep")
TOO_LARGE: Final = error(413, "invalid_request", "request_too_large", "Request body exceeds the maximum of 20 MB.")
TOO_MANY: Final = error(400, "invalid_request", "bad_request", "The request has too many fields.")
LARGE: Final = b" " * (20 * 1024 * 1024 + 1)
UNREADABLE: Final[dict[str, tuple[bytes, str, Answer]]] = {
    "half an object": (
        *(b"{", JSON),
        not_parsed("JSON parse error - Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    ),
    "bytes": (
        *(b"\xff\x00", JSON),
        not_parsed("JSON parse error - 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ),
    "not a number": (
        *(b'{"threshold": NaN}', JSON),
        not_parsed("JSON parse error - Out of range float values are not JSON compliant: 'NaN'"),
    ),
    "lists in lists": (b"[" * 100_000, JSON, TOO_DEEP),
    "objects in objects": (b'{"dismissed":' * 201 + b"1" + b"}" * 201, JSON, TOO_DEEP),
    "a body of more than 20 MB": (LARGE, JSON, TOO_LARGE),
    "a form of more than 20 MB": (LARGE, FORM, TOO_LARGE),
    "parts of more than 20 MB": (LARGE, PARTS, TOO_LARGE),
    "a thousand and one fields": (b"&".join([b"version=1"] * 1_001), FORM, TOO_MANY),
    "another charset": (
        *(b"{}", f"{JSON}; charset=utf-7"),
        not_parsed('Unsupported charset "utf-7" in request Content-Type header.'),
    ),
}
NO_OBJECTS: Final = [([], "list"), ([{}], "list"), ("x", "str"), (1, "int"), (10**30, "int"), (True, "bool")]
REFUSED_MEDIA: Final = ["text/plain", "application/xml", "application/octet-stream", "text/json"]


class Place:
    """A furnished project, and a client that may do everything in it."""

    def __init__(self, world: World, method: str, path: str) -> None:
        self.project: Project = world.project
        self.method, self.names = method, furnish(world.project, 4)
        body = TABLE[method, path].body
        own = [{kind: names[number % len(names)] for kind, names in self.names.items()} for number in range(4)]
        self.bodies = [fill(body, names) for names in own]  # for each of the addresses: each names objects of its own
        self.addresses = addresses(method, path, world.project, self.names)
        self.api = world.api()

    def send(self, body: Any = None, query: str = "", **options: Any) -> list[Answer]:
        """Send to each of the route's addresses; return the answers."""
        return [answer(self.api.request(self.method, at + query, body, **options)) for at in self.addresses]

    def send_right(self, query: str = "") -> list[Answer]:
        """Send to each of the route's addresses what it takes; return the answers."""
        pairs = zip(self.addresses, self.bodies, strict=False)
        return [answer(self.api.request(self.method, at + query, body)) for at, body in pairs]


@every_write
def test_a_body_that_cannot_be_read_changes_nothing(world: World, method: str, path: str) -> None:
    """1.4, 400 body not JSON; 1.5, at most 20 MB. Also where the body is ignored (contract 2.2 and 3)."""
    place = Place(world, method, path)
    before = stored(place.project)
    for name, (body, content_type, expected) in UNREADABLE.items():
        assert place.send(body, content_type=content_type) == [expected] * 4, name
    assert stored(place.project) == before


@every_write
def test_another_kind_of_body_changes_nothing(world: World, method: str, path: str) -> None:
    """1.4, 415."""
    place = Place(world, method, path)
    before = stored(place.project)
    for media_type in REFUSED_MEDIA:
        text = f'Unsupported media type "{media_type}" in request.'
        expected = error(415, "invalid_request", "unsupported_media_type", text)
        assert place.send(b"{}", content_type=media_type) == [expected] * 4
    assert stored(place.project) == before


@pytest.mark.parametrize(
    ("method", "path"),
    [key for key in WRITES if TABLE[key].body is not None],
    ids=lambda value: value,
)
def test_anything_but_an_object_changes_nothing(world: World, method: str, path: str) -> None:
    """1.4, 400 non-object body: of all operations that read theirs."""
    place = Place(world, method, path)
    before = stored(place.project)
    for body, kind in NO_OBJECTS:
        text = f"Invalid data. Expected a dictionary, but got {kind}."
        assert place.send(body) == [error(400, "validation_error", "invalid_input", text)] * 4
    assert stored(place.project) == before


MALFORMED: Final = ["x", "1", "null", "%00", "%ff", "%ED%A0%80", "%F0%9F%92%A5", "9" * 5_000, "-", "%0A"]


@pytest.mark.parametrize(("method", "path"), sorted(key for key in TABLE if "{id}" in key[1]), ids=lambda value: value)
def test_a_malformed_id_is_not_found_and_changes_nothing(world: World, method: str, path: str) -> None:
    """Decision table: malformed uuid in a path."""
    place = Place(world, method, path)
    before, known = stored(place.project), place.addresses
    kind = next(kind for start, kind in KINDS.items() if path.startswith(start))
    for malformed in MALFORMED:
        place.addresses = [at.replace(name, malformed) for at in known for name in place.names[kind] if name in at]
        expected = (405, None) if TABLE[method, path].own == 405 else (404, NOT_FOUND)
        assert place.send_right() == [expected] * 4, malformed
    assert stored(place.project) == before


STRANGE: Final = "unknown=1&unknown=2&%00=%00&%ff=%ff&%ED%A0%80=x&id=x&environment_id=x&team_id=x&pk=x&=x&id__in=1,2"


@every_row
def test_unknown_and_repeated_parameters_are_ignored(world: World, method: str, path: str) -> None:
    """No parameter of another name narrows, opens or breaks anything; a thousand are the most."""
    place = Place(world, method, path)
    query = f"?{STRANGE}&" + "&".join(f"p{number}={number}" for number in range(980))
    assert [status for status, _ in place.send_right(query)] == [TABLE[method, path].own] * 4


@every_row
def test_too_many_parameters_change_nothing(world: World, method: str, path: str) -> None:
    """Django reads a thousand. (With the suffix nobody asks for a ``format``, and a write never reads any.)"""
    place = Place(world, method, path)
    before = stored(place.project)
    place.addresses = [address for address in place.addresses if ".json" not in address]
    found = place.send_right("?" + "a=1&" * 1_001)
    assert found == [error(400, "invalid_request", "bad_request", "The request cannot be read.")] * 2
    assert stored(place.project) == before


@pytest.mark.parametrize(("method", "path"), sorted(key for key in TABLE if key[0] == "GET"), ids=lambda value: value)
def test_the_body_of_a_get_is_not_read(world: World, method: str, path: str) -> None:
    place = Place(world, method, path)
    for body in (b"{", b"[" * 100_000, b"\xff", b'{"token": "x", "status": "x"}'):
        assert [status for status, _ in place.send(body)] == [TABLE[method, path].own] * 4
