"""An address of the web, taken apart once: what is looked up, what is connected to and what is asked for agree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import quote, urljoin, urlsplit

from outbound.errors import NotAnAddress

LONGEST = 16_384  # characters; twice what web servers commonly take
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[a-z0-9_.-]+")
_BRACKETS = re.compile(r"\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\](:[0-9]*)?")
_KEPT = "!#$%&'()*+,/:;=?@[]~"  # RFC 3986's reserved characters, and the percent sign of what is quoted already


@dataclass(frozen=True, slots=True)
class Url:
    """``host`` is a name in ASCII and lower case or a bare IP address; ``target`` is path and query, quoted."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port as the Host header tells them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def text(self) -> str:
        """The address written out, without a fragment."""
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Whom credentials were meant for."""
        return (self.scheme, self.host, self.port)

    def join(self, reference: str) -> Url:
        """Return the address that ``reference``, relative or whole, means here. Raises ``NotAnAddress``."""
        try:
            return parse(urljoin(self.text, reference))
        except ValueError:
            raise NotAnAddress(reference, "it cannot be read") from None


def parse(text: str) -> Url:
    """Take an http or https URL apart; raises ``NotAnAddress`` for everything else."""
    if len(text) > LONGEST:
        raise NotAnAddress(text, f"it is longer than {LONGEST} characters")
    try:
        parts = urlsplit(text)
        host, port = _host(parts.hostname or ""), parts.port
        target = quote(parts.path or "/", safe=_KEPT) + (f"?{quote(parts.query, safe=_KEPT)}" if parts.query else "")
    except ValueError:  # brackets, ports, labels of more than 63 characters, look-alikes of separators, surrogates
        raise NotAnAddress(text, "it cannot be read") from None
    if parts.scheme not in _PORTS:
        raise NotAnAddress(text, "only http and https are asked")
    if "[" in parts.netloc and not _BRACKETS.fullmatch(parts.netloc):  # patch releases of Python differ in this
        raise NotAnAddress(text, "it cannot be read")
    if "@" in parts.netloc:
        raise NotAnAddress(text, "addresses with a user name are not asked")
    if not host or port == 0:
        raise NotAnAddress(text, "it names no host" if not host else "it names no port")
    return Url(parts.scheme, host, port or _PORTS[parts.scheme], target)


def _host(host: str) -> str:
    """Return the name in ASCII, or the IPv6 address; empty where it is neither. Raises ``ValueError``."""
    if ":" in host:
        return "" if "%" in host else str(IPv6Address(host))  # a scope is the business of the machine that is meant
    host = host.rstrip(".").encode("idna").decode("ascii").lower()
    return host if _NAME.fullmatch(host) else ""
