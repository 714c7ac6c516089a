"""What a log line looks like, and what it never holds."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.core.exceptions import DisallowedHost, TooManyFieldsSent
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from config import logs

KEY = "phx_4dKq0vXo2mJwPzYtR8sLb1NcE6uHgA"
TOKEN = "phc_9aBcDeFgHiJkLmNoPqRsTuVwXyZ012"


class Stream:
    """Standard error as this test has captured it so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    def getvalue(self) -> str:
        self._text += self._capsys.readouterr().err
        return self._text


@pytest.fixture
def stream(capsys: pytest.CaptureFixture[str]) -> Iterator[Stream]:
    """Logs in JSON on a standard error that can be read; the set-up of the test run comes back afterwards."""
    logs.configure(json=True, level="info")
    yield Stream(capsys)
    logs.configure(json=True, level="INFO")


def lines(stream: Stream) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_of_ours_is_one_line_of_json(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHTRACK_ROLE", "web")
    structlog.get_logger("healthtrack.request").info("request", method="GET", status=200)
    [line] = lines(stream)
    moment = line.pop("timestamp")
    assert moment.endswith("Z")
    assert moment[10] == "T"
    assert line == {
        "event": "request",
        "method": "GET",
        "status": 200,
        "logger": "healthtrack.request",
        "level": "info",
        "role": "web",
        "pid": os.getpid(),
    }


def test_a_record_of_a_library_is_the_same_kind_of_line(stream: Stream) -> None:
    logging.getLogger("some.library").warning("it took %d s", 3)
    [line] = lines(stream)
    assert (line["event"], line["logger"], line["level"]) == ("it took 3 s", "some.library", "warning")


def test_what_is_bound_to_the_context_is_on_every_line_ours_and_theirs(stream: Stream) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("ours").info("one")
        logging.getLogger("theirs").info("two")
    structlog.get_logger("ours").info("three")
    assert [line.get("request_id") for line in lines(stream)] == ["r-1", "r-1", None]


def test_a_traceback_stays_on_its_line(stream: Stream) -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        structlog.get_logger("ours").exception("failed")
    [line] = lines(stream)
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("ValueError: first\nsecond")


def test_the_level_is_a_threshold(stream: Stream) -> None:
    logs.configure(json=True, level="WARNING")
    structlog.get_logger("ours").info("no")
    logging.getLogger("theirs").info("no")
    structlog.get_logger("ours").warning("yes")
    assert [line["event"] for line in lines(stream)] == ["yes"]


def test_setting_logs_up_twice_does_not_write_lines_twice(stream: Stream) -> None:
    logs.configure(json=True, level="INFO")
    structlog.get_logger("ours").info("once")
    assert len(lines(stream)) == 1


def test_an_unknown_level_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="HEALTHTRACK_LOG_LEVEL must be a level such as DEBUG or INFO; it is 'LOUD'"):
        logs.configure(json=True, level="LOUD")


def test_text_that_is_no_unicode_does_not_lose_the_line(stream: Stream) -> None:
    structlog.get_logger("ours").info("odd", text="\ud800")
    assert lines(stream)[0]["text"] == "\ud800"


def test_the_readable_form_masks_as_well(stream: Stream) -> None:
    logs.configure(json=False, level="INFO")
    structlog.get_logger("ours").info("hello", key=KEY)
    assert "hello" in stream.getvalue()
    assert "4dKq0vXo" not in stream.getvalue()


def test_django_tells_a_defect_but_neither_a_4xx_nor_a_503(stream: Stream) -> None:
    django = logging.getLogger("django.request")
    django.warning("Not Found: %s", "/x", extra={"status_code": 404})
    django.error("Service Unavailable: %s", "/x", extra={"status_code": 503})
    django.error("Internal Server Error: %s", "/x", extra={"status_code": 500})
    assert [line["event"] for line in lines(stream)] == ["Internal Server Error: /x"]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"key {KEY}.", "key phx_[redacted]."),
        (f"/array/{TOKEN}/config", "/array/phc_[redacted]/config"),
        (f"GET /x?personal_api_key={KEY}&a=1", "GET /x?personal_api_key=[redacted]&a=1"),
        ("GET /x?token=abc&a=1", "GET /x?token=[redacted]&a=1"),
        ("GET /x?a=1&api_key=abc", "GET /x?a=1&api_key=[redacted]"),
        ("next=%2Fx%3Ftoken%3Dabc", "next=%2Fx%3Ftoken%3D[redacted]"),
        ('{"api_key": "abc", "batch": []}', '{"api_key": "[redacted]", "batch": []}'),
        ("{'token': 'abc'}", "{'token': '[redacted]'}"),
        ("Authorization: Bearer abcdefgh", "Authorization: Bearer [redacted]"),
        ("Authorization: Basic dTpw", "Authorization: Basic [redacted]"),
        ("'Authorization': 'abc'", "'Authorization': '[redacted]'"),
        ("sent Bearer abcdefghij to", "sent Bearer [redacted] to"),
        ("Cookie: sessionid=abc; posthog_csrftoken=def", "Cookie: [redacted]; posthog_csrftoken=[redacted]"),
        ("postgresql://me:secret@host/db", "postgresql://me:[redacted]@host/db"),
        ("password=secret host=x", "password=[redacted] host=x"),
        ("phs_0123456789 and pha_0123456789", "phs_[redacted] and pha_[redacted]"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, masked: str) -> None:
    assert logs.redact(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "12 graphs_total",
        "the token is missing",
        "bearer of news",
        "http://127.0.0.1:8000/x@y",
        "a=1&b=2",
        "tokens: none",
    ],
)
def test_what_only_resembles_one_is_left(text: str) -> None:
    # "tokens: none" holds no secret, and the rule asks for the bare name before the sign.
    assert logs.redact(text) == text


def test_masking_twice_changes_nothing_more() -> None:
    once = logs.redact(f"Authorization: Bearer {KEY} token={TOKEN}")
    assert logs.redact(once) == once


def test_secrets_are_masked_wherever_they_stand_in_a_record(stream: Stream) -> None:
    try:
        raise RuntimeError(f"refused {KEY}")
    except RuntimeError:
        structlog.get_logger("ours").exception(
            f"event {TOKEN}",
            headers={"Authorization": KEY, "Accept": "x"},
            nested=[{"deep": (f"a {KEY}", 1, None, True)}],
            raw=f"personal_api_key={KEY}".encode(),
            error=ValueError(f"bad {KEY}"),
        )
        logging.getLogger("theirs").error("refused %s", KEY, exc_info=True)
    assert "4dKq0vXo" not in stream.getvalue()
    assert "9aBcDeFg" not in stream.getvalue()
    assert lines(stream)[0]["headers"] == {"Authorization": "[redacted]", "Accept": "x"}
    assert lines(stream)[0]["nested"] == [{"deep": ["a phx_[redacted]", 1, None, True]}]


@pytest.mark.parametrize("kind", [DisallowedHost, TooManyFieldsSent])
def test_a_request_that_django_refuses_as_suspicious_is_a_warning_without_a_traceback(
    stream: Stream, kind: type[Exception]
) -> None:
    """Anybody can send as many of them as they like."""

    def refusing(_: HttpRequest) -> HttpResponse:
        raise kind("Invalid HTTP_HOST header: 'a b'.")

    response = convert_exception_to_response(refusing)(RequestFactory().get("/"))
    assert isinstance(response, HttpResponse)
    assert response.status_code == 400
    [line] = lines(stream)
    assert (line["level"], line["logger"]) == ("warning", f"django.security.{kind.__name__}")
    assert line["event"] == "Invalid HTTP_HOST header: 'a b'."
    assert "exception" not in line


def test_such_a_warning_is_not_written_where_only_errors_are(stream: Stream) -> None:
    logs.configure(json=True, level="error")
    logging.getLogger("django.security.DisallowedHost").error("Invalid HTTP_HOST header")
    logging.getLogger("django.other").error("defect")
    assert [line["event"] for line in lines(stream)] == ["defect"]
