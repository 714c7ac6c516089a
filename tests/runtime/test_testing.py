"""``manage.py test`` and the pytest plugin: a database for each run, and red for a skip that nobody expects."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from runtime.bootstrap.places import CHECKOUT
from runtime.testing import command, database
from runtime.testing.skips import Skips
from tests.live import LiveServer

SUITE = """
import os, pytest, psycopg

def test_runs():
    print("name:", os.environ["HEALTHTRACK_TEST_DATABASE"])
    assert psycopg.connect(os.environ["DATABASE_URL"]).execute("SELECT 1").fetchone() == (1,)

@pytest.mark.skip(reason="not today")
def test_skips():
    pass

@pytest.mark.xfail
def test_fails_as_expected():
    assert False
"""


class Suite:
    """A project of its own with the plugin, run by pytest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tests").mkdir()
        (folder / "pytest.ini").write_text("[pytest]\naddopts = -p runtime.testing.plugin -p no:django\n")
        (folder / "tests" / "test_suite.py").write_text(SUITE)

    def allow(self, text: str) -> None:
        (self.folder / "tests" / "expected_skips.txt").write_text(text)

    def run(self, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        ours = ("HEALTHTRACK_TEST_DATABASE", "PYTEST_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-s", *options],
            cwd=self.folder,
            env={**kept, "PYTHONPATH": str(CHECKOUT), **variables},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)


def names(done: subprocess.CompletedProcess[str]) -> list[str]:
    return re.findall(r"name: (\w+)", done.stdout)


@pytest.mark.parametrize("options", [[], ["-n", "2"]])
def test_an_unexpected_skip_is_listed_and_makes_the_run_red(suite: Suite, options: list[str]) -> None:
    done = suite.run(*options)
    assert done.returncode == 1
    assert "UNEXPECTED tests/test_suite.py::test_skips: not today" in done.stdout
    assert "1 passed, 1 skipped, 1 xfailed" in done.stdout


@pytest.mark.parametrize("options", [[], ["-n", "2"]])
def test_an_expected_skip_is_listed_with_its_reason_and_stays_green(suite: Suite, options: list[str]) -> None:
    suite.allow("# a comment\n\ntests/test_suite.py::test_sk* | needs the moon\n")
    done = suite.run(*options)
    assert done.returncode == 0, done.stdout
    assert "expected tests/test_suite.py::test_skips: needs the moon" in done.stdout
    assert "UNEXPECTED" not in done.stdout


@pytest.mark.parametrize("options", [[], ["-n", "2"]])
def test_a_module_that_skips_itself_is_unexpected_too(suite: Suite, options: list[str]) -> None:
    (suite.folder / "tests" / "test_suite.py").write_text("import pytest\npytest.importorskip('no_such_package')\n")
    (suite.folder / "tests" / "test_other.py").write_text("def test_runs(): pass\n")
    done = suite.run(*options)
    assert done.returncode == 1
    assert "UNEXPECTED tests/test_suite.py: could not import 'no_such_package'" in done.stdout


GUARDED = """
import contextlib, subprocess, sys
import django
django.setup()
from environments.tenancy import guard

SWALLOWED = '''
import contextlib, django
django.setup()
from environments.tenancy import guard
with contextlib.suppress(Exception):
    guard.check("SELECT id FROM errortracking_release")
'''

def test_here():
    with BLOCK, contextlib.suppress(Exception):
        guard.check("SELECT id FROM errortracking_issue")

def test_in_a_process_of_its_own():
    subprocess.run([sys.executable, "-c", SWALLOWED if "expected" not in "BLOCK" else ""], check=True)
"""


def guarded(suite: Suite, block: str, options: list[str]) -> subprocess.CompletedProcess[str]:
    (suite.folder / "tests" / "test_suite.py").write_text(GUARDED.replace("BLOCK", block))
    return suite.run(*options, DJANGO_SETTINGS_MODULE="config.settings")


@pytest.mark.parametrize("options", [[], ["-n", "2"]])
def test_sql_that_the_guard_refused_is_listed_and_makes_the_run_red_though_it_was_swallowed(
    suite: Suite, options: list[str]
) -> None:
    done = guarded(suite, "contextlib.nullcontext()", options)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert "test_suite.py::test_here (call): SELECT id FROM errortracking_issue" in done.stdout
    assert "::test_in_a_process_of_its_own (call): SELECT id FROM errortracking_release" in done.stdout


@pytest.mark.parametrize("options", [[], ["-n", "2"]])
def test_sql_that_a_test_provokes_on_purpose_is_not(suite: Suite, options: list[str]) -> None:
    done = guarded(suite, "guard.expected()", options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "errortracking_issue" not in done.stdout


def test_a_server_of_the_tests_writes_what_its_guard_refuses_to_the_file_of_the_run(
    server: LiveServer,
) -> None:
    printed = server.manage("shell", "-c", "from environments.tenancy import guard; print(guard._file)").stdout
    assert os.environ["HEALTHTRACK_SQL_GUARD_FILE"] in printed


def test_a_failing_test_stays_a_failing_test(suite: Suite) -> None:
    (suite.folder / "tests" / "test_suite.py").write_text("def test_fails(): assert False\n")
    assert suite.run().returncode == 1


def test_a_run_without_tests_is_red(suite: Suite) -> None:
    assert suite.run("-k", "nothing_of_that_name").returncode == 5


def test_a_line_without_a_reason_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("tests/test_a.py::*\n")
    with pytest.raises(ValueError, match="needs a reason"):
        Skips.from_file(tmp_path / "list")


def test_two_runs_have_two_names(suite: Suite) -> None:
    found = {*names(suite.run()), *names(suite.run())}
    assert len(found) == 2
    assert all(re.fullmatch(r"test_healthtrack_[0-9a-f]{8}", name) for name in found)


def test_a_run_that_reuses_its_database_has_the_same_name_each_time(suite: Suite) -> None:
    (suite.folder / "pytest.ini").write_text("[pytest]\naddopts = -p runtime.testing.plugin\n")
    (suite.folder / "settings.py").write_text("SECRET_KEY = 'x'\n")
    variables = {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": f"{CHECKOUT}:{suite.folder}"}
    assert names(suite.run("--reuse-db", **variables)) == ["test_healthtrack_reused"]


def test_databases_of_dead_runs_are_dropped_and_those_of_living_ones_are_not(suite: Suite) -> None:
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as living, psycopg.connect(url, autocommit=True) as other:
        for name in ("test_healthtrack_0000dead_gw0", "test_healthtrack_0000beef", "test_healthtrack_reused_kept"):
            living.execute(f"CREATE DATABASE {name}")
        living.execute("SELECT pg_advisory_lock(%s, %s)", database._key("0000beef"))
        try:
            suite.run()
            rows = other.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test_healthtrack_%'").fetchall()
            found = {name for (name,) in rows}
            assert "test_healthtrack_0000dead_gw0" not in found
            assert {"test_healthtrack_0000beef", "test_healthtrack_reused_kept"} <= found
        finally:
            for name in ("test_healthtrack_0000dead_gw0", "test_healthtrack_0000beef", "test_healthtrack_reused_kept"):
                other.execute(f"DROP DATABASE IF EXISTS {name}")


def test_without_a_url_the_run_has_a_server_without_fsync(suite: Suite) -> None:
    (suite.folder / "tests" / "test_suite.py").write_text(
        "import os, psycopg\n"
        "def test_it():\n"
        "    with psycopg.connect(os.environ['DATABASE_URL']) as connection:\n"
        "        print('fsync:', *connection.execute('SHOW fsync').fetchone())\n"
    )
    done = suite.run(DATABASE_URL="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fsync: off" in done.stdout


def test_a_server_that_cannot_be_had_ends_the_run_with_its_reason(suite: Suite) -> None:
    done = suite.run(DATABASE_URL="", HEALTHTRACK_POSTGRES_BIN="/nonexistent")
    assert done.returncode == 4
    assert "HEALTHTRACK_POSTGRES_BIN names /nonexistent" in done.stderr


@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["--no-such-option"], 4), (["--co", "-q"], 0)])
def test_the_test_command_passes_options_and_exit_codes_through(words: list[str], code: int) -> None:
    done = subprocess.run(
        [sys.executable, str(CHECKOUT / "manage.py"), "test", *words, *(["tests/test_house.py"] if code == 0 else [])],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert {0: "", 4: "--no-such-option"}[code] in done.stderr
    if "--co" in words:
        assert "tests/test_house.py::test_the_types_hold" in done.stdout


@pytest.mark.parametrize(
    ("options", "words"), [([], ["-n", "logical"]), (["-k", "key"], ["-k", "key"]), (["-n", "0"], ["-n", "0"])]
)
def test_without_options_the_tests_run_on_all_processors_and_options_are_left_alone(
    options: list[str], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    executed: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, words: executed.append(words))
    monkeypatch.chdir("/")
    command.run(options)
    assert executed == [[sys.executable, "-m", "pytest", *words]]


def test_caches_go_elsewhere_where_the_checkout_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command.elsewhere() == []
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != CHECKOUT and real(path, mode))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in (*command.CACHES, "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    (option, folder) = command.elsewhere()
    assert option == "-o"
    assert folder.startswith(f"cache_dir={tmp_path}/healthtrack/")
    assert os.environ["RUFF_CACHE_DIR"].startswith(f"{tmp_path}/healthtrack/")
    assert os.environ["PYTHONDONTWRITEBYTECODE"] == "1"
