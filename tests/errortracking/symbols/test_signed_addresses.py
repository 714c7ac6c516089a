"""The signatures of the server's own addresses: one act, one key, five minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from environments import clock
from errortracking.symbols.storage import signing
from errortracking.symbols.storage.database import DatabaseStorage
from errortracking.symbols.storage.signing import DOWNLOAD, UPLOAD, Expired, Grant, Invalid

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
GRANT = Grant(7, "symbolsets/a")


def signature(path: str, grant: Grant = GRANT) -> str:
    with clock.stopped_at(NOON):
        url = signing.address("https://errors.example.com", path, grant)
    return parse_qs(urlsplit(url).query)["signature"][0]


def test_the_addresses_are_those_of_the_server_that_was_asked() -> None:
    form = DatabaseStorage().upload_form(7, "symbolsets/a", "https://errors.example.com")
    assert form.url.startswith("https://errors.example.com/symbolsets/upload?signature=")
    assert form.fields == {"key": "symbolsets/a"}
    url = DatabaseStorage().download_url(7, "symbolsets/a", "https://errors.example.com")
    assert url.startswith("https://errors.example.com/symbolsets/download?signature=")


@pytest.mark.parametrize("path", [UPLOAD, DOWNLOAD])
def test_they_hold_for_five_minutes(path: str) -> None:
    signed = signature(path)
    for passed in (timedelta(), timedelta(minutes=5)):
        with clock.stopped_at(NOON + passed):
            assert signing.check(path, signed) == GRANT
    with clock.stopped_at(NOON + timedelta(minutes=5, seconds=1)), pytest.raises(Expired):
        signing.check(path, signed)


def test_one_for_downloading_is_none_for_uploading_and_the_other_way_round() -> None:
    with clock.stopped_at(NOON):
        for path, other in ((UPLOAD, DOWNLOAD), (DOWNLOAD, UPLOAD)):
            with pytest.raises(Invalid):
                signing.check(other, signature(path))


def test_one_that_was_changed_anywhere_is_none() -> None:
    signed = signature(UPLOAD)
    with clock.stopped_at(NOON):
        for place in range(len(signed)):
            changed = signed[:place] + ("A" if signed[place] != "A" else "B") + signed[place + 1 :]
            if place == len(signed) - 1:
                changed = signed[:-1]  # the last character of base64 has bits that say nothing
            with pytest.raises(Invalid):
                signing.check(UPLOAD, changed)


@pytest.mark.parametrize("text", ["", ":", "a:b", "\x00", "é:é", "W10:", "x" * 100_000, "a:b:c:d"])
def test_other_texts_are_none(text: str) -> None:
    with pytest.raises(Invalid):
        signing.check(UPLOAD, text)


def test_the_web_server_knows_what_may_be_uploaded() -> None:
    with clock.stopped_at(NOON):
        query = f"a=b&signature={signature(UPLOAD)}"
        assert signing.may_upload("/symbolsets/upload", query)
        assert not signing.may_upload("/batch", query)
        assert not signing.may_upload("/symbolsets/upload", f"signature={signature(DOWNLOAD)}")
        assert not signing.may_upload("/symbolsets/upload", "")
        assert not signing.may_upload("/symbolsets/upload", "&" * 1_999)
        assert not signing.may_upload("/symbolsets/upload", "signature=" + "a" * 100_000)
    with clock.stopped_at(NOON + timedelta(minutes=6)):
        assert not signing.may_upload("/symbolsets/upload", query)
