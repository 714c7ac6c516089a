"""The address is checked when it is connected to, at each hop, and is the one connected to."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from pytest_django import Settings

from outbound import client
from outbound.addresses import Allowed
from outbound.errors import Refused
from tests.outbound.web import Names, Web, ok, redirect


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Where connections were tried to, in order."""
    places: list[Any] = []
    real = socket.socket.connect

    def connect(self: socket.socket, place: Any) -> None:
        places.append(place)
        real(self, place)

    monkeypatch.setattr("outbound.sockets.Plain.connect", connect, raising=False)
    return places


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "0.0.0.0",
        "0",
        "2130706433",  # 127.0.0.1 as one number, in hexadecimal, in octal and short: the C library reads them all
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
    ],
)
def test_an_address_inside_is_refused_without_a_packet(host: str, connected: list[Any]) -> None:
    with pytest.raises(Refused) as caught:
        client.request("GET", f"http://{host}:9/")
    assert caught.value.reason == "the host is not in the public internet"
    assert caught.value.hop == 0
    assert connected == []


def test_the_words_of_a_refusal_do_not_tell_what_the_name_resolved_to(resolver: Names) -> None:
    resolver["intern.test"] = [["10.7.7.7"]]
    with pytest.raises(Refused) as caught:
        client.request("GET", "http://intern.test/secret")
    assert str(caught.value) == "http://intern.test/secret: the host is not in the public internet"


@pytest.mark.parametrize("addresses", [["10.0.0.1", "8.8.8.8"], ["8.8.8.8", "10.0.0.1"], ["8.8.8.8", "::1"]])
def test_one_address_inside_refuses_the_whole_name(resolver: Names, addresses: list[str], connected: list[Any]) -> None:
    resolver["mixed.test"] = [addresses]
    with pytest.raises(Refused):
        client.request("GET", "http://mixed.test/")
    assert connected == []


def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(
    site: Web, resolver: Names, connected: list[Any]
) -> None:
    resolver["rebinding.test"] = [["127.0.0.1"], ["10.0.0.1"]]  # a second look would find the other one
    site.pages["/"] = ok(b"checked")
    assert client.request("GET", f"http://rebinding.test:{site.port}/").body == b"checked"
    assert resolver.asked == ["rebinding.test"]
    assert connected == [("127.0.0.1", site.port)]
    assert site.asked[0].headers["host"] == f"rebinding.test:{site.port}"


def test_a_name_that_points_inside_at_the_next_hop_is_refused_there(
    site: Web, resolver: Names, connected: list[Any]
) -> None:
    resolver["rebinding.test"] = [["127.0.0.1"], ["10.0.0.1"]]
    site.pages["/"] = redirect("/again")
    with pytest.raises(Refused) as caught:
        client.request("GET", f"http://rebinding.test:{site.port}/", redirects=5)
    assert (caught.value.hop, caught.value.url) == (1, f"http://rebinding.test:{site.port}/again")
    assert connected == [("127.0.0.1", site.port)]


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/latest/meta-data/", "//10.0.0.1/", "http://[::1]/", "http://intern.test/"]
)
def test_a_redirect_inside_is_refused(site: Web, resolver: Names, location: str, connected: list[Any]) -> None:
    resolver["intern.test"] = [["192.168.1.1"]]
    site.pages["/"] = redirect(location)
    with pytest.raises(Refused) as caught:
        client.request("GET", site.url, redirects=5)
    assert caught.value.hop == 1
    assert connected == [("127.0.0.1", site.port)]


def test_an_allowed_host_is_reached_by_its_name_alone(site: Web, resolver: Names, settings: Settings) -> None:
    settings.ALLOWED_PRIVATE_HOSTS = Allowed.read(["cdn.intern.test"])
    resolver["cdn.intern.test"] = resolver["other.intern.test"] = [["127.0.0.1"]]
    site.pages["/"] = ok(b"there")
    assert client.request("GET", f"http://CDN.intern.test.:{site.port}/").body == b"there"
    for other in ("other.intern.test", "127.0.0.1"):
        with pytest.raises(Refused):
            client.request("GET", f"http://{other}:{site.port}/")


def test_without_the_setting_nothing_inside_is_allowed(settings: Settings) -> None:
    assert Allowed() == settings.ALLOWED_PRIVATE_HOSTS
