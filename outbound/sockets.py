"""Connections to checked addresses, on which every single wait ends with the request's deadline.

A socket's own timeout bounds one wait: a byte every four seconds would hold a request of 30 seconds for ever. These
take what is left of the whole before each wait. The road not taken, a timer that closes the socket, needs a thread for
each request and closes somebody else's descriptor if it comes late.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from outbound import names, tls
from outbound.addresses import Allowed, may_connect
from outbound.deadline import Deadline
from outbound.errors import Refused, Unreachable
from outbound.urls import Url

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class Plain(socket.socket):
    """A socket with a deadline for all it does together."""

    deadline: Deadline | None = None

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """Read, waiting no longer than until the deadline."""
        if self.deadline:
            self.settimeout(self.deadline.wait())
        return super().recv_into(buffer, nbytes, flags)

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        """Write, waiting no longer than until the deadline."""
        if self.deadline:
            self.settimeout(self.deadline.wait())
        super().sendall(data, flags)


class Encrypted(ssl.SSLSocket):
    """The same under TLS. Its handshake is one operation with the timeout that the plain socket had."""

    deadline: Deadline | None = None

    def recv_into(self, buffer: WriteableBuffer, nbytes: int | None = None, flags: int = 0) -> int:
        """Read, waiting no longer than until the deadline."""
        if self.deadline:
            self.settimeout(self.deadline.wait())
        return super().recv_into(buffer, nbytes, flags)

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        """Write, waiting no longer than until the deadline; ``sendall`` comes here, too."""
        if self.deadline:
            self.settimeout(self.deadline.wait())
        return super().send(data, flags)


def connect(url: Url, allowed: Allowed, deadline: Deadline, seconds: float) -> Plain | Encrypted:
    """Return a connection to ``url``'s host, made within ``seconds``, name and handshake included.

    Raises ``Refused`` where *any* of the name's addresses is neither public nor allowed: a name that also points inside
    is no name of the public web. Raises ``Unreachable`` for an unknown name, ``OSError`` for what fails on the way.
    """
    connecting = deadline.within(seconds)
    try:
        found = names.resolve(url.host, url.port, connecting)
    except socket.gaierror:
        raise Unreachable(url.text, "no such host") from None
    if not all(may_connect(url.host, one.address, allowed) for one in found):
        raise Refused(url.text, "the host is not in the public internet")
    sock: Plain | Encrypted = _first(found, connecting)
    try:
        if url.scheme == "https":
            sock.settimeout(connecting.wait())
            sock = tls.context(Encrypted).wrap_socket(sock, server_hostname=url.host)  # type: ignore[assignment]
    except BaseException:
        sock.close()
        raise
    sock.deadline = deadline
    return sock


def _first(found: list[names.Found], connecting: Deadline) -> Plain:
    """Return a connection to the first address that takes one; each gets its share of the time that is left."""
    failure: OSError = OSError("no address")
    for number, one in enumerate(found):
        try:
            return _plain(one, connecting.wait(parts=len(found) - number))
        except OSError as error:
            failure = error
    raise failure


def _plain(found: names.Found, seconds: float) -> Plain:
    sock = Plain(found.family, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.connect(found.place)
    except BaseException:
        sock.close()
        raise
    return sock
