"""A name becomes addresses once; what was checked is what is connected to, however the name resolves a moment later."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from outbound.deadline import Deadline


@dataclass(frozen=True, slots=True)
class Found:
    """One address of a name, with what the operating system needs to connect to it."""

    family: socket.AddressFamily
    address: str
    place: Any  # the tuple that `connect` takes; its form depends on the family


def resolve(host: str, port: int, deadline: Deadline) -> list[Found]:
    """Return the addresses of ``host``, in the order to try them. Raises ``OSError``, ``TimeoutError`` among them.

    The operating system's resolver takes no deadline, and minutes where name servers do not answer. So it is asked on
    a thread of its own, which is left to its patience when ours has ended.
    """
    told: SimpleQueue[list[Found] | OSError] = SimpleQueue()
    Thread(target=_ask, args=(host, port, told), daemon=True, name="resolve").start()
    try:
        found = told.get(timeout=deadline.wait())
    except Empty:
        raise TimeoutError from None
    if isinstance(found, OSError):
        raise found
    return found


def _ask(host: str, port: int, told: SimpleQueue[list[Found] | OSError]) -> None:
    try:
        rows = look_up(host, port)
        told.put([Found(family, str(place[0]), place) for family, _, _, _, place in rows])
    except OSError as error:
        told.put(error)
    except UnicodeError as error:  # a name that the resolver cannot write down
        told.put(OSError(str(error)))


def look_up(host: str, port: int) -> list[Any]:
    """Ask the operating system; what tests put a resolver of their own in the place of."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
