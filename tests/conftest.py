"""What every test may use. The database of the run comes from ``runtime.testing.plugin``."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, settings

from tests.live import server

__all__ = ["server"]

# Property tests are not timed: a busy machine is not a defect of what they test. The examples are the same at each run:
# a red run can be repeated, and new examples are looked for on purpose (--hypothesis-profile=searching), not by CI.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("searching", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# A shell starts what it runs behind with these ignored, and so would be the servers that the tests start and stop.
for _number, _usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, _usual)


@pytest.fixture(autouse=True, scope="session")
def nothing_is_fetched() -> Iterator[None]:
    """Let no test ask the hosts that its events name, and wait for them, unless it says so."""
    with override_settings(FETCH_SOURCE_MAPS=False):
        yield


@pytest.fixture(autouse=True, scope="session")
def symbols_are_kept_in_a_folder_of_the_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what tests read of symbol sets out of the checkout's data folder."""
    with override_settings(SYMBOL_CACHE_DIR=str(tmp_path_factory.mktemp("symbol_cache"))):
        yield
