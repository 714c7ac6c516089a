"""The pytest plugin of this project: a PostgreSQL for the run, no unexpected skips, no SQL that the guard refused.

``pyproject.toml`` loads it with ``-p``, so that ``pytest`` alone works as well as ``manage.py test``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from runtime.postgres import PostgresError
from runtime.testing.database import TestDatabase
from runtime.testing.refusals import Refusals
from runtime.testing.skips import Skips

DATABASE = pytest.StashKey[TestDatabase]()
SKIPS = pytest.StashKey[Skips]()
REFUSALS = pytest.StashKey[Refusals]()


def _is_controller() -> bool:
    """Return whether this process is the run itself, not one of xdist's workers: they inherit its environment."""
    return "PYTEST_XDIST_WORKER" not in os.environ


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Start PostgreSQL before pytest-django reads the settings.

    A wrapper, because wrappers run before every plain implementation, whatever the order of registration.
    """
    # The tests, and every server that they start, refuse SQL that does not name its project.
    os.environ.setdefault("HEALTHTRACK_SQL_GUARD", "1")
    options = early_config.known_args_namespace
    if _is_controller():
        early_config.stash[REFUSALS] = Refusals()
        early_config.add_cleanup(early_config.stash[REFUSALS].close)
    if _is_controller() and not (options.help or options.version or options.collectonly):
        database = TestDatabase(reuse=bool(getattr(options, "reuse_db", False)))
        early_config.stash[DATABASE] = database
        early_config.add_cleanup(database.close)
        try:
            database.open()
        except PostgresError as error:
            raise pytest.UsageError(str(error)) from None
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Read the list of skips that are expected."""
    config.stash[SKIPS] = Skips.from_file(config.rootpath / "tests" / "expected_skips.txt")
    config.pluginmanager.register(_SkipRecorder(config.stash[SKIPS]), "healthtrack-skips")


class _SkipRecorder:
    """Fills the list from reports; in the controller those of xdist's workers arrive here as well."""

    def __init__(self, skips: Skips) -> None:
        self._skips = skips

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._skips.add(report.nodeid, report.longrepr)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._skips.add(report.nodeid, report.longrepr)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a green run red for an unexpected skip and for SQL that the guard refused, in whatever process."""
    green = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    if _is_controller() and green and (session.config.stash[SKIPS].unexpected or session.config.stash[REFUSALS].read()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List every skipped test with its reason, and every statement that the guard refused."""
    skips = config.stash[SKIPS]
    if skips.seen:
        terminalreporter.section("skipped tests", red=bool(skips.unexpected))
        for line in skips.lines():
            terminalreporter.line(line, red=line.startswith("UNEXPECTED"))
    # A run inside a test of a run on several processors takes itself for one of these, and has no file of its own.
    if (refusals := config.stash.get(REFUSALS, None)) and (refused := refusals.read()):
        terminalreporter.section("SQL that names no environment_id", red=True)
        for line in refused:
            terminalreporter.line(line, red=True)
