"""The container of symbol data: every byte of both versions, and files that are none."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from errortracking.symbols import container
from errortracking.symbols.container import Broken, Contents, kind_of, read, write
from errortracking.symbols.lookups import Kind

HEAD = b"posthog_error_tracking"
BODY = b"\x05\0\0\0\0\0\0\0" + b"f();\n" + b"\x02\0\0\0\0\0\0\0" + b"{}"
SCRIPT_AND_MAP = Contents(Kind.JAVASCRIPT, b"{}", b"f();\n")
MAPPING = b"com.example.Shop -> a.a:\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "container"


def put(file: Path, data: bytes) -> Path:
    file.write_bytes(data)
    return file


def number(value: int) -> bytes:
    return struct.pack("<I", value)


def test_version_1_is_a_head_and_then_script_and_map_behind_their_lengths(file: Path) -> None:
    data = b"posthog_error_tracking\x01\0\0\0\x02\0\0\0\x05\0\0\0\0\0\0\0f();\n\x02\0\0\0\0\0\0\0{}"
    assert read(put(file, data)) == SCRIPT_AND_MAP


def test_version_2_has_a_byte_more_and_may_be_compressed(file: Path) -> None:
    data = HEAD + number(2) + number(2) + b"\x01" + zstandard.compress(BODY)
    assert read(put(file, data)) == SCRIPT_AND_MAP


def test_version_2_may_also_be_uncompressed(file: Path) -> None:
    assert read(put(file, HEAD + number(2) + number(2) + b"\x00" + BODY)) == SCRIPT_AND_MAP


def test_compressed_data_may_come_in_several_frames(file: Path) -> None:
    compressed = zstandard.compress(BODY[:7]) + zstandard.compress(b"") + zstandard.compress(BODY[7:])
    assert read(put(file, HEAD + number(2) + number(2) + b"\x01" + compressed)) == SCRIPT_AND_MAP


@pytest.mark.parametrize(("type_", "kind"), [(3, Kind.HERMES), (4, Kind.PROGUARD)])
@pytest.mark.parametrize("version", [number(1), number(2)])
def test_the_other_kinds_are_one_file_without_a_length(file: Path, type_: int, kind: Kind, version: bytes) -> None:
    compression = b"" if version == number(1) else b"\x00"
    assert read(put(file, HEAD + version + number(type_) + compression + MAPPING)) == Contents(kind, MAPPING)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (HEAD + number(1) + number(2), Kind.JAVASCRIPT),
        (HEAD + number(2) + number(3) + b"\x01", Kind.HERMES),
        (HEAD + number(2) + number(4) + b"broken", Kind.PROGUARD),
        (HEAD + number(2) + number(5) + b"\x01", None),
        (HEAD + number(2), None),
        (b"x" * 100, None),
        (b"", None),
    ],
)
def test_the_kind_is_known_by_the_head_alone(file: Path, data: bytes, kind: Kind | None) -> None:
    assert kind_of(put(file, data)) == kind


def test_what_is_written_is_version_2_and_compressed(file: Path) -> None:
    data = b"".join(write(Contents(Kind.PROGUARD, MAPPING * 1000)))
    assert data[:31] == HEAD + number(2) + number(4) + b"\x01"
    assert zstandard.ZstdDecompressor().decompressobj().decompress(data[31:]) == MAPPING * 1000
    assert len(data) < 200


def test_large_contents_are_written_in_pieces() -> None:
    noise = bytes(range(256)) * 4
    pieces = list(write(Contents(Kind.JAVASCRIPT, zstandard.compress(noise) * 40_000, noise)))
    assert len(pieces) > 3
    assert max(map(len, pieces)) < 2 * 1024 * 1024


@given(st.sampled_from(Kind), st.binary(max_size=5000), st.binary(max_size=5000))
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, kind: Kind, data: bytes, source: bytes
) -> None:
    contents = Contents(kind, data, source if kind is Kind.JAVASCRIPT else b"")
    assert read(put(tmp_path_factory.getbasetemp() / "written", b"".join(write(contents)))) == contents


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "too short: 0 bytes"),
        (HEAD, "too short: 22 bytes"),
        (b'{"version":3,"sources":[],"names":[]}', "not a symbol set: it begins with other bytes"),
        (HEAD + number(3) + number(2) + b"\x00" + BODY, "version 3 is not known"),
        (HEAD + number(0) + number(2) + BODY, "version 0 is not known"),
        (HEAD + number(1) + number(1) + BODY, "data of type 1 cannot be read"),
        (HEAD + number(1) + number(5) + b"\xcf\xfa\xed\xfe", "data of type 5 cannot be read"),
        (HEAD + number(2) + number(2), "too short: it ends within its head"),
        (HEAD + number(2) + number(2) + b"\x02" + BODY, "compression 2 is not known"),
        (HEAD + number(1) + number(2) + b"\x05", "cut off: a length is missing"),
        (HEAD + number(1) + number(2) + BODY[:12], "cut off: 5 bytes should follow, there are 4"),
        (HEAD + number(1) + number(2) + BODY[:13], "cut off: a length is missing"),
        (HEAD + number(1) + number(2) + BODY[:-1], "cut off: 2 bytes should follow, there are 1"),
        (HEAD + number(1) + number(2) + BODY + b"}!", "too long: 2 bytes follow the map"),
        (HEAD + number(1) + number(2) + b"\xff" * 8 + BODY, "cut off: 18446744073709551615 bytes should follow,"),
        (HEAD + number(2) + number(2) + b"\x01", "cut off: the compressed data ends too early"),
        (HEAD + number(2) + number(4) + b"\x01" + zstandard.compress(BODY)[:-1], "cut off: the compressed data ends"),
        (HEAD + number(2) + number(4) + b"\x01" + BODY, "cannot be decompressed: "),
        (HEAD + number(2) + number(4) + b"\x01" + zstandard.compress(BODY) + b"more of it", "cannot be decompressed"),
    ],
)
def test_other_files_are_refused_with_what_is_wrong(file: Path, data: bytes, why: str) -> None:
    with pytest.raises(Broken) as refused:
        read(put(file, data))
    assert str(refused.value).startswith(why)


def test_a_bomb_is_noticed_while_it_unfolds(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "MOST_BYTES", 50 * 1024 * 1024)
    bomb = HEAD + number(2) + number(4) + b"\x01" + zstandard.compress(bytes(400 * 1024 * 1024))
    assert len(bomb) < 50_000
    with pytest.raises(Broken, match="larger than 52428800 bytes when decompressed"):
        read(put(file, bomb))


@given(st.binary(max_size=300), st.sampled_from([1, 2]), st.sampled_from([2, 3, 4]))
def test_no_file_does_anything_but_be_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, rest: bytes, version: int, type_: int
) -> None:
    file = put(tmp_path_factory.getbasetemp() / "any", HEAD + number(version) + number(type_) + rest)
    with suppress(Broken):
        assert isinstance(read(file), Contents)
