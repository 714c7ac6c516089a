"""The settings of requests to the outside, as a process reads them at its start."""

from __future__ import annotations

import os
import subprocess
import sys

from runtime.bootstrap.places import CHECKOUT

PROGRAM = """
from config.settings import ALLOWED_PRIVATE_HOSTS as allowed, FETCH_SOURCE_MAPS as on
print(sorted(allowed.names), *allowed.networks, on)
"""


def started(**environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEALTHTRACK_")}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=CHECKOUT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_settings_maps_are_fetched_from_the_public_internet_alone() -> None:
    assert started().stdout == "[] True\n"


def test_operators_allow_hosts_and_switch_fetching_off() -> None:
    done = started(HEALTHTRACK_ALLOWED_PRIVATE_HOSTS="cdn.intern, 10.1.0.0/16,", HEALTHTRACK_FETCH_SOURCE_MAPS="off")
    assert done.stdout == "['cdn.intern'] 10.1.0.0/16 False\n"


def test_a_network_that_cannot_be_read_stops_the_start() -> None:
    done = started(HEALTHTRACK_ALLOWED_PRIVATE_HOSTS="10.1.0.0/99")
    assert done.returncode == 1
    assert "HEALTHTRACK_ALLOWED_PRIVATE_HOSTS must list host names and networks" in done.stderr
    assert "'10.1.0.0/99' is neither" in done.stderr
