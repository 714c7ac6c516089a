"""Which IP addresses this server connects to when somebody else names the host, and what operators allow beyond."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SETTING = "HEALTHTRACK_ALLOWED_PRIVATE_HOSTS"

# Python's `is_global` follows the same registries (IANA's IPv4 and IPv6 special-purpose addresses), but its answers
# changed from patch release to patch release (3.11.10, 3.12.4, 3.13); the list here is the same on all of them.
_NOT_PUBLIC_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network; 0.0.0.0 connects to this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers (CGNAT); the metadata of one cloud
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # public in the registry, but inside Azure the host's own services
        "169.254.0.0/16",  # link-local; the metadata of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4, given up
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_PUBLIC_V6 = IPv6Network("2000::/3")  # all that was ever given out; loopback, private and link-local lie outside
_NOT_PUBLIC_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments; Teredo, which embeds an IPv4 address, among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which embeds an IPv4 address; given up
        "3fff::/20",  # documentation
    )
)
# Where an IPv4 address is the last four bytes: mapped by the operating system, and translated by a NAT64, by which a
# machine without IPv4 reaches all that has no IPv6.
_EMBEDS_V4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))

_NAME = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?")


def plain(address: Address) -> Address:
    """Return the IPv4 address that is meant where ``address`` embeds one, else ``address`` without its scope."""
    if isinstance(address, IPv4Address):
        return address
    if any(address in network for network in _EMBEDS_V4):
        return IPv4Address(address.packed[-4:])
    return IPv6Address(address.packed)


def is_public(address: Address) -> bool:
    """Return whether ``address`` is one host's address in the internet, and not in some network around this server."""
    address = plain(address)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    return address in _PUBLIC_V6 and not any(address in network for network in _NOT_PUBLIC_V6)


@dataclass(frozen=True, slots=True)
class Allowed:
    """Hosts that operators named: connected to wherever they are."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def read(cls, words: Iterable[str]) -> Allowed:
        """Read the setting: host names, addresses, networks (``10.1.0.0/16``). Raises ``ValueError`` for others."""
        names, networks = set[str](), []
        for word in words:
            try:
                networks.append(ip_network(word.strip("[]")))
            except ValueError:
                name = word.lower().rstrip(".")
                if not _NAME.fullmatch(name) or name.replace(".", "").isdecimal():
                    raise ValueError(
                        f"{SETTING} must list host names and networks, separated by commas; {word!r} is neither"
                    ) from None
                names.add(name)
        return cls(frozenset(names), tuple(networks))

    def covers(self, host: str, address: Address) -> bool:
        """Return whether ``address`` may be connected to for the sake of ``host``, a name in lower case."""
        if host in self.names:
            return True
        address = plain(address)
        return any(address in network for network in self.networks)


def may_connect(host: str, address: str, allowed: Allowed) -> bool:
    """Return whether the address, as the resolver gave it for ``host``, is public or allowed."""
    found = ip_address(address)
    return is_public(found) or allowed.covers(host, found)
