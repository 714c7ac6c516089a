"""What a script says of its chunk id and of its map, in its comments."""

from __future__ import annotations

import time

import pytest

from errortracking.symbols.fetching_script import chunk_id, map_reference

ID = "019dfdfb-2ec9-7d71-84a2-6c269108158f"


@pytest.mark.parametrize(
    ("script", "found"),
    [
        (f"code\n//# sourceMappingURL=a.map\n//# chunkId={ID}\n", ID),
        (f"code\n//# chunkId={ID}", ID),
        (f"  //@ chunkId= {ID} \r\n\r\n", ID),
        (f"//# chunkId=first\n//# chunkId={ID}\n", ID),
        (f"//# chunkId={ID}\n" + "\n".join(["x"] * 31), ID),
        (f"//# chunkId={ID}\n" + "\n".join(["x"] * 32), None),
        (f"{'x' * 9_000}\n//# chunkId={ID}\n{'y' * 9_000}", ID),
        (f"//# chunkId={ID}\n//# chunkId=\n", ID),
        (f"code; //# chunkId={ID}", None),
        ("//# chunkId=" + "a" * 2_048, "a" * 2_048),
        ("//# chunkId=" + "a" * 2_049, None),
        ("//# chunkId=\n", None),
        ("//#chunkId=a", None),
        ("just some code", None),
        ("", None),
        ("//# chunkId=a\0b", "a�b"),
    ],
)
def test_a_chunk_id_is_a_line_among_the_last_32(script: str, found: str | None) -> None:
    assert chunk_id(script.encode()) == found


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("code\n//# sourceMappingURL=a.js.map", "a.js.map"),
        ("code\n//# sourceMappingURL=a.js.map\n", "a.js.map"),
        ("code\r\n//# sourceMappingURL=a.js.map  \r\n\r\n", "a.js.map"),
        ("code\n//@ sourceMappingURL=/a.js.map", "/a.js.map"),
        ("code;//# sourceMappingURL=https://e.example/a?b=1", "https://e.example/a?b=1"),
        ("code\n  //#  sourceMappingURL=a.map", "a.map"),
        ("code\n/*# sourceMappingURL=a.map */", "a.map"),
        ("//# sourceMappingURL=first.map\ncode\n//# sourceMappingURL=last.map\ncode\n", "last.map"),
        ("//# sourceMappingURL=a.map\n//# chunkId=x\n//# sourceURL=b.js\n", "a.map"),
        ("//# sourceMappingURL=data:application/json;base64,e30=", "data:application/json;base64,e30="),
        # The text of a program that writes such comments is none; the search goes on above it.
        ('//# sourceMappingURL=a.map\nwrite("//# sourceMappingURL=" + url);\n', "a.map"),
        ("//# sourceMappingURL=a.map\nwrite(`//# sourceMappingURL=b.map`);\n", "a.map"),
        ("//# sourceMappingURL=a.map\nwrite('\\n//# sourceMappingURL=b');\n", "a.map"),
        ("//# sourceMappingURL=a.map\n//# sourceMappingURL=b c\n", "a.map"),
        ("//# sourceMappingURL=a.map\n//# sourceMappingURL=\n", "a.map"),
        ("//# sourceMappingURL=a.map\n# sourceMappingURL=b.map\n", "a.map"),
        ("sourceMappingURL=a.map", None),
        ("//# sourceMappingUrl=a.map", None),
        ("code", None),
        ("", None),
    ],
)
def test_a_map_is_named_by_the_last_comment_of_its_kind(script: str, found: str | None) -> None:
    assert map_reference(script.encode()) == found


@pytest.mark.parametrize(
    "script",
    [
        b"//# sourceMappingURL='" * 1_100_000,
        b"//# sourceMappingURL='\n" * 1_000_000,
        b"sourceMappingURL=\r" * 1_300_000,
        b"//# sourceMappingURL=" + b" " * 24_000_000,
        b"//# sourceMappingURL=" + b"*/" * 12_000_000 + b"'",
        b"//# chunkId=" * 2_000_000,
        b"\n" * 24_000_000,
    ],
    ids=["one line", "many lines", "carriage returns", "blanks", "ends of comments", "chunk ids", "empty lines"],
)
def test_a_hostile_script_of_the_largest_size_takes_time_linear_to_it(script: bytes) -> None:
    before = time.process_time()
    assert map_reference(script) in {None, "*/" * 12_000_000}
    assert chunk_id(script) is None
    assert time.process_time() - before < 60  # under 2; quadratic, it would be hours
