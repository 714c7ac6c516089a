"""Positions looked up in the parsing process: what comes back."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from errortracking.symbols import parser
from errortracking.symbols.container import Contents
from errortracking.symbols.failures import Failure
from errortracking.symbols.lookups import Answer, Kind, Position
from errortracking.symbols.parser import lookup
from tests.errortracking.symbols.asking import INNER, REF, failure_of, no_process_is_left, path, pid, place, put
from tests.errortracking.symbols.maps import at, container, script, source_map

__all__ = ["no_process_is_left", "path"]


def test_answers_come_in_the_order_of_the_positions(path: Path) -> None:
    answers = lookup(path, REF, [at(52), at(1, line=7, function="g"), at(31), at(14)])
    assert place(answers[0]) == ("src/app.ts", 8, 1, None)
    assert answers[1] == Failure("JavaScript", "TokenNotFound", ("g", 7, 1))
    assert place(answers[2]) == INNER
    assert place(answers[3]) == ("src/app.ts", 3, 3, "outer")


def test_an_answer_crosses_the_border_whole(path: Path) -> None:
    [answer] = lookup(path, REF, [at(52)])
    assert isinstance(answer, tuple)
    assert answer[0].context == {
        "before": [
            {"number": 1, "line": "// a small program"},
            {"number": 2, "line": "function outer() {"},
            {"number": 3, "line": "  inner();"},
            {"number": 4, "line": "}"},
            {"number": 5, "line": "function inner() {"},
            {"number": 6, "line": "  throw new Error('x');"},
            {"number": 7, "line": "}"},
        ],
        "line": {"number": 8, "line": "outer();"},
        "after": [],
    }


def test_several_places_come_outermost_first(tmp_path: Path) -> None:
    mapping = b"com.example.Shop -> a.a:\n    1:1:void check():41:41 -> a\n    1:1:void pay():52:52 -> a\n"
    path = put(tmp_path, container(Contents(Kind.PROGUARD, mapping)))
    [answer] = lookup(path, REF, [Position(Kind.PROGUARD, 1, 0, "a", "a.a")])
    assert isinstance(answer, tuple)
    assert [(original.module, original.name, original.line) for original in answer] == [
        ("com.example.Shop", "pay", 52),
        ("com.example.Shop", "check", 41),
    ]


def test_more_positions_than_one_reply_holds_are_all_answered(path: Path) -> None:
    answers = lookup(path, REF, [at(31 if number % 2 else 14) for number in range(1001)])
    assert [place(answer)[1] for answer in answers] == [6 if number % 2 else 3 for number in range(1001)]


def test_numbers_beyond_everything_are_not_found(path: Path) -> None:
    [answer] = lookup(path, REF, [at(10**40)])
    assert isinstance(answer, Failure)
    assert answer.name == "TokenNotFound"


def test_no_positions_ask_nobody(path: Path) -> None:
    assert lookup(path / "nothing", REF, []) == []
    assert parser._process is None


def test_positions_of_several_kinds_are_a_mistake(path: Path) -> None:
    with pytest.raises(ValueError, match="several kinds"):
        lookup(path, REF, [at(1), Position(Kind.HERMES)])


def test_the_process_is_kept_for_the_next_question(path: Path) -> None:
    lookup(path, REF, [at(31)])
    first = pid()
    assert place(lookup(path, REF, [at(31)])[0]) == INNER
    assert pid() == first


def test_the_process_is_not_told_secrets(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret@/")
    monkeypatch.setenv("HEALTHTRACK_SECRET_KEY", "secret")
    lookup(path, REF, [at(31)])
    assert b"secret" not in Path(f"/proc/{pid()}/environ").read_bytes()


def test_questions_of_several_threads_are_not_mixed_up(path: Path) -> None:
    answers: dict[int, Answer] = {}

    def ask(column: int) -> None:
        for _ in range(20):
            [answers[column]] = lookup(path, REF, [at(column)])

    threads = [threading.Thread(target=ask, args=[column]) for column in (14, 31, 37, 52)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {column: place(answer)[1:3] for column, answer in answers.items()} == {
        14: (3, 3),
        31: (6, 3),
        37: (6, 9),
        52: (8, 1),
    }


@pytest.mark.parametrize(
    ("position", "text"),
    [
        (at(1), "JSDataError: too short: 5 bytes"),
        (Position(Kind.HERMES), "Invalid source map: too short: 5 bytes"),
        (Position(Kind.PROGUARD), "Invalid mapping: too short: 5 bytes"),
    ],
)
def test_a_file_that_is_no_container_is_a_failure_of_its_kind(tmp_path: Path, position: Position, text: str) -> None:
    assert failure_of(put(tmp_path, b"12345"), position).text == text


def test_a_container_of_another_kind_is_a_failure(path: Path) -> None:
    failure = failure_of(path, Position(Kind.PROGUARD, 1, 0, "a", "a.a"))
    assert failure.text == "Invalid mapping: it holds data of the kind javascript"


def test_a_map_that_is_none_is_a_failure_that_a_row_can_keep(tmp_path: Path) -> None:
    failure = failure_of(put(tmp_path, container(Contents(Kind.JAVASCRIPT, b"nothing", b""))))
    assert failure.reason == '{"JavaScript":"InvalidSourceAndMap"}'


def test_a_map_of_one_kind_may_follow_one_of_another(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(container(Contents(Kind.HERMES, script().data)))
    assert place(lookup(path, REF, [at(31)])[0]) == INNER
    [answer] = lookup(other, REF, [Position(Kind.HERMES, column=30)])
    assert place(answer) == ("src/app.ts", 6, 3, None)


def test_other_data_in_the_same_place_is_read_anew(path: Path) -> None:
    lookup(path, REF, [at(31)])
    path.unlink()
    put(path.parent, container(script(source_map(sources=["src/other.ts"]))))
    assert place(lookup(path, REF, [at(31)])[0]) == ("src/other.ts", 6, 3, "inner")


@pytest.mark.parametrize(
    ("position", "contents"),
    [
        (at(31), script()),
        (Position(Kind.HERMES, 1, 30), Contents(Kind.HERMES, json.dumps(source_map()).encode())),
    ],
)
def test_a_folder_for_temporary_files_that_cannot_be_written_is_not_blamed_on_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, position: Position, contents: Contents
) -> None:
    path = put(tmp_path, container(contents))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nothing"))  # a full disk is told in the same way
    with pytest.raises(parser.Unavailable, match=r"OSError: temporary file: No such file or directory"):
        lookup(path, REF, [position])
