"""What the web server cannot or will not read, answered as the application answers: in its shapes, with its headers.

waitress answers such requests itself, in a text of its own that no SDK and no browser's page could make sense of.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from django.core.exceptions import RequestDataTooBig
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask, Task, WSGITask
from waitress.utilities import RequestEntityTooLarge

from runtime import request_ids
from runtime.bodies import Parser


class _NotRead:
    """The body that was not taken. Whoever asks for it learns why there is none; both APIs translate the exception."""

    def _refuse(self, *_: object) -> NoReturn:
        raise RequestDataTooBig("the body is larger than the server reads")

    read = readline = readlines = __iter__ = _refuse


class _TooLargeTask(WSGITask):  # type: ignore[misc]
    """Lets the application refuse a body beyond the server's limit, which is above every limit of its own.

    So the answer has its text, CORS headers and request id, and is logged and counted like any other.
    """

    def get_environment(self) -> dict[str, Any]:
        """Return the request's WSGI environment, with a length and no body."""
        environ: dict[str, Any] = super().get_environment()
        if self.request.chunked:  # as far as it was read
            environ["CONTENT_LENGTH"] = str(self.request.body_bytes_received)
        environ["wsgi.input"] = _NotRead()
        return environ

    def execute(self) -> None:
        """Answer, and close the connection: the rest of the body is no next request."""
        self.set_close_on_finish()
        super().execute()


class _UnreadableTask(ErrorTask):  # type: ignore[misc]
    """Answers a request that breaks HTTP's own rules. The application never sees it: nothing in it can be trusted."""

    def execute(self) -> None:
        """Answer with waitress's status: 400, 431 or 501, or 500 where an answer failed halfway."""
        error, headers = self.request.error, self.request.headers
        self.status = f"{error.code} {error.reason}"
        path = getattr(self.request, "path", "")  # none, where not even the first line could be read
        if path == "/api" or path.startswith("/api/"):
            kind, code, detail = ("invalid_request", "bad_request", "The request cannot be read.")
            if error.code == 500:
                kind, code, detail = ("server_error", "error", "A server error occurred.")
            body = json.dumps({"type": kind, "code": code, "detail": detail, "attr": None}).encode()
            self.response_headers.append(("Content-Type", "application/json"))
        else:
            body = f"{error.reason}: {error.body}\n".encode()
            self.response_headers.append(("Content-Type", "text/plain; charset=utf-8"))
            if origin := headers.get("ORIGIN"):
                self.response_headers += [
                    ("Vary", "Origin"),
                    ("Access-Control-Allow-Origin", origin),
                    ("Access-Control-Allow-Credentials", "true"),
                ]
        self.response_headers.append((request_ids.HEADER, request_ids.choose(headers.get("X_REQUEST_ID", ""))))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


def _task(channel: HTTPChannel, request: Any) -> Task:
    if isinstance(request.error, RequestEntityTooLarge):
        return _TooLargeTask(channel, request)
    return _UnreadableTask(channel, request)


class _Task(WSGITask):  # type: ignore[misc]
    """Sends the head of an answer and the first of its body in one piece: half the calls, and the client wakes once."""

    def write(self, data: bytes) -> None:
        """Send a part of the body, the head before the first."""
        if self.wrote_header:
            super().write(data)
        else:
            with self.channel.one_piece():
                super().write(data)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection whose refusals are ours, and which asks the loop for help only where help is needed.

    A thread sends by itself what it writes. While it is at that, or waits for Python's one lock to go on, waitress
    finds bytes that want to be sent and a socket that takes them, and asks again and again, dozens of times for a
    request under load, each time taking the lock that the thread needs. What a thread could not send it tells the loop
    of (``pull_trigger``) once it is done trying, so until then there is nothing to ask.
    """

    parser_class = Parser
    task_class = _Task
    error_task_class = staticmethod(_task)
    _is_sending = False
    _pieces: list[bytes] | None = None  # of the thread that answers

    @contextmanager
    def one_piece(self) -> Iterator[None]:
        """Send what is written within the block when the block ends."""
        pieces: list[bytes] = []
        self._pieces = pieces
        try:
            yield
        finally:
            self._pieces = None
        super().write_soon(b"".join(pieces))

    def write_soon(self, data: Any) -> int:
        """Send ``data``, or keep it for a moment."""
        if self._pieces is None:
            return int(super().write_soon(data))
        self._pieces.append(data)
        return len(data)

    def writable(self) -> bool:
        """Return whether the loop is to write, or to close."""
        return not self._is_sending and bool(super().writable())

    def _flush_some(self, do_close: bool = True) -> bool:
        self._is_sending = True
        try:
            return bool(super()._flush_some(do_close))
        finally:
            self._is_sending = False
