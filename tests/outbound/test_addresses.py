"""Which addresses are connected to when somebody else names the host."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbound.addresses import Allowed, is_public, may_connect

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2001:4860:4860::8888",
    "2a00:1450:4001:81b::200e",
    "::ffff:8.8.8.8",  # mapped
    "64:ff9b::808:808",  # 8.8.8.8 behind a NAT64
]

NOT_PUBLIC = {
    "unspecified": ["0.0.0.0", "::"],
    "this network": ["0.1.2.3", "0.255.255.255"],
    "private": ["10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255"],
    "private, version 6": ["fc00::1", "fd00:ec2::254", "fdff::1"],
    "loopback": ["127.0.0.1", "127.0.0.2", "127.255.255.254", "::1"],
    "link-local": ["169.254.0.1", "169.254.169.254", "fe80::1", "fe80::1%1", "febf::1"],
    "site-local, given up": ["fec0::1"],
    "shared by carriers": ["100.64.0.0", "100.100.100.200", "100.127.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.254", "192.0.0.1", "192.0.0.192", "4000::1", "5f00::1", "100::1"],
    "broadcast": ["255.255.255.255"],
    "documentation": ["192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff:fff::1"],
    "benchmarks": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "inside one cloud": ["168.63.129.16"],
    "mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:0"],
    "compatible": ["::127.0.0.1", "::8.8.8.8"],
    "behind a NAT64": ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::a00:1"],
    "behind a NAT64 of their own": ["64:ff9b:1::808:808"],
    "6to4": ["2002:7f00:1::1", "2002:a00:1::", "2002:808:808::1", "192.88.99.1"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001::1"],
}


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_public_internet(address: str) -> None:
    assert is_public(ip_address(address))
    assert may_connect("example.com", address, Allowed())


@pytest.mark.parametrize(
    "address", [pytest.param(address, id=f"{kind}: {address}") for kind, them in NOT_PUBLIC.items() for address in them]
)
def test_an_address_that_is_not_connected_to(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not may_connect("example.com", address, Allowed())


@given(st.ip_addresses(v=4))
def test_an_address_in_another_garb_is_judged_like_itself(address: IPv4Address) -> None:
    assert is_public(ip_address(f"::ffff:{address}")) is is_public(address)
    assert is_public(ip_address(f"64:ff9b::{address}")) is is_public(address)
    assert not is_public(ip_address(f"::{address}"))


@given(st.ip_addresses(v=4))
def test_nothing_is_public_that_python_takes_for_private_or_multicast(address: IPv4Address) -> None:
    if is_public(address):
        assert not any((address.is_private, address.is_multicast, address.is_reserved, address.is_link_local))


ALLOWED = Allowed.read(["Maps.Intern.Example.", "10.1.0.0/16", "192.168.7.7", "[fd00::7]", "fe80::/64", "localhost"])


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("maps.intern.example", "172.16.0.1"),
        ("localhost", "127.0.0.1"),
        ("localhost", "::1"),
        ("anything.example", "10.1.255.255"),
        ("anything.example", "::ffff:10.1.0.1"),
        ("192.168.7.7", "192.168.7.7"),
        ("fd00::7", "fd00::7"),
        ("printer", "fe80::1%1"),
    ],
)
def test_operators_allow_hosts_by_name_address_or_network(host: str, address: str) -> None:
    assert may_connect(host, address, ALLOWED)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("other.intern.example", "172.16.0.1"),
        ("a.maps.intern.example", "172.16.0.1"),
        ("intern.example", "172.16.0.1"),
        ("anything.example", "10.2.0.0"),
        ("192.168.7.8", "192.168.7.8"),
        ("anything.example", "fd00::8"),
        ("anything.example", "127.0.0.1"),
    ],
)
def test_what_they_did_not_name_stays_refused(host: str, address: str) -> None:
    assert not may_connect(host, address, ALLOWED)


@pytest.mark.parametrize(
    "word", ["10.0.0.1/8", "10.0.0.256", "10.0.0.0/33", "*.example", "http://a", "a b", "-", "a/b", "."]
)
def test_a_word_that_names_no_host_is_refused_at_the_start(word: str) -> None:
    with pytest.raises(ValueError, match="HEALTHTRACK_ALLOWED_PRIVATE_HOSTS must list host names and networks"):
        Allowed.read([word])
