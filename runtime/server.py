"""The web server of one web process: waitress on a socket that somebody else opened, with a stop that drops nothing.

waitress reads a request whole before a thread gets it, so that slow clients cost memory and no thread. What it lacks is
a stop that answers what it has accepted; its own ends at once and drops the requests that wait for a thread.
"""

from __future__ import annotations

import gc
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import structlog
from waitress import wasyncore
from waitress.server import create_server

from runtime.bodies import LARGEST_BODY_BYTES
from runtime.refusals import Channel

log = structlog.get_logger("healthtrack.web")

FINISH_SECONDS = 20.0  # a request that was received is answered within this time after SIGTERM, or never
RECEIVE_SECONDS = 3.0  # a request of which only a part had come by then is given up
NEW_SECONDS = 0.3  # a connection that was just made and sent nothing within this time is closed
BODY_IN_MEMORY_BYTES = 1024 * 1024  # a larger body waits in a temporary file
CONNECTIONS = 1000
COLLECT_AFTER = 20_000
"""Containers that are made before Python looks for circles among them. At its own 700 it looks several times in each
request and finds none: that took half of the CPU time of parsing a request of 14 KB (185 against 76 µs)."""
IDLE_SECONDS = 75  # longer than the 60 s after which proxies commonly give a kept connection up themselves


class Server:
    """Serves one WSGI application on one listening socket until SIGTERM or SIGINT."""

    def __init__(
        self, application: Callable[..., Any], listener: socket.socket, threads: int, trusted_proxies: int = 0
    ) -> None:
        self._map: dict[int, Any] = {}
        listener.setblocking(False)
        self._server: Any = create_server(
            application,
            map=self._map,
            sockets=[listener],
            threads=threads,
            backlog=1024,
            ident=None,
            recv_bytes=65536,
            inbuf_overflow=BODY_IN_MEMORY_BYTES,
            max_request_body_size=LARGEST_BODY_BYTES,
            connection_limit=CONNECTIONS,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=15,
            asyncore_use_poll=True,
            **_forwarding(trusted_proxies),
        )
        self._server.channel_class = Channel
        # Its warning at each request that waits for a thread would be a line per request just when lines hurt.
        self._server.task_dispatcher.queue_logger.setLevel("ERROR")
        self._stopping = False

    def run(self) -> None:
        """Serve until a signal comes, then answer what was accepted and return."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        gc.collect()
        gc.freeze()  # what is loaded by now stays
        gc.set_threshold(COLLECT_AFTER)
        while not self._stopping:
            self._turn(1.0)
        self._drain()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        self._server.pull_trigger()  # one write to a pipe: wakes the loop, and may be called from here

    def _turn(self, seconds: float) -> None:
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._map, count=1)

    def _drain(self) -> None:
        self._accept_waiting()
        self._turn(0)  # requests that had arrived by now still count
        self._server.accepting = False
        self._server.del_channel(self._map)
        self._server.socket.close()
        started = time.monotonic()
        while open_channels := self._busy(time.monotonic() - started):
            self._turn(0.05)
        if open_channels is None:
            log.warning("stopped with requests unanswered")

    def _accept_waiting(self) -> None:
        """Accept the connections that the kernel has made already: closing the socket would reset them."""
        for _ in range(CONNECTIONS):
            before = len(self._server.active_channels)
            self._server.handle_accept()
            if len(self._server.active_channels) == before:
                return

    def _busy(self, passed: float) -> int | None:
        """Close connections that wait for nothing; return how many are left, or ``None`` when time is up."""
        channels = list(self._server.active_channels.values())
        for channel in channels:
            answering = channel.requests or channel.total_outbufs_len
            new = channel.last_activity == channel.creation_time  # nothing came yet, the first bytes may be under way
            receiving = (channel.request is not None and passed < RECEIVE_SECONDS) or (new and passed < NEW_SECONDS)
            if not answering and not receiving:
                channel.handle_close()
        if passed > FINISH_SECONDS:
            return None
        return len(self._server.active_channels)


def _forwarding(proxies: int) -> dict[str, Any]:
    """Return waitress's settings for ``proxies`` proxies of ours in front; with 0 their headers are dropped."""
    if not proxies:
        return {"clear_untrusted_proxy_headers": True}
    headers = "x-forwarded-for x-forwarded-proto x-forwarded-host"
    return {"trusted_proxy": "*", "trusted_proxy_count": proxies, "trusted_proxy_headers": headers}
