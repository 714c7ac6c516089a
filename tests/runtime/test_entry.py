"""What happens between a complete environment and Django: the data folder, the database, the exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from runtime import entry
from runtime.bootstrap.places import CHECKOUT
from runtime.postgres.locks import is_free


@pytest.fixture(autouse=True)
def _no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHTRACK_DATA_DIR", "before")


@pytest.mark.parametrize(
    ("words", "rest", "folder"),
    [
        (["up"], ["up"], "before"),
        (["up", "--data-dir", "/srv/x", "--port", "1"], ["up", "--port", "1"], "/srv/x"),
        (["up", "--data-dir=/srv/x"], ["up"], "/srv/x"),
        (["--data-dir", "/srv/x", "migrate"], ["migrate"], "/srv/x"),
        (["ps", "--data-dir", "/srv/a", "--data-dir=/srv/b"], ["ps"], "/srv/b"),
        (["shell", "--", "--data-dir", "/srv/x"], ["shell", "--", "--data-dir", "/srv/x"], "before"),
        (["up", "--data-directory", "x"], ["up", "--data-directory", "x"], "before"),
    ],
)
def test_every_command_takes_a_data_folder(words: list[str], rest: list[str], folder: str) -> None:
    assert entry.take_data_dir(["manage.py", *words]) == ["manage.py", *rest]
    assert os.environ["HEALTHTRACK_DATA_DIR"] == folder


def test_a_relative_data_folder_is_one_below_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    entry.take_data_dir(["manage.py", "up", "--data-dir", "data"])
    assert os.environ["HEALTHTRACK_DATA_DIR"] == str(tmp_path / "data")


@pytest.mark.parametrize("words", [["--data-dir"], ["--data-dir="], ["--data-dir", ""]])
def test_a_data_folder_without_a_name_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run(["manage.py", "up", *words]) == 2
    assert capsys.readouterr().err == "--data-dir needs a folder\n"


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        ([], False),
        (["--version"], False),
        (["help", "migrate"], False),
        (["migrate", "--help"], False),
        (["up", "-h"], False),
        (["makemigrations", "--check"], False),
        (["ps"], False),
        (["check"], False),
        (["migrate"], True),
        (["up"], True),
        (["bootstrap", "--json"], True),
        (["shell", "-c", "1"], True),
        (["a_command_of_tomorrow"], True),
        (["pg", "--", "--help"], True),
    ],
)
def test_a_command_has_a_database_unless_it_is_known_to_need_none(words: list[str], needed: bool) -> None:
    assert entry.needs_database(["manage.py", *words]) is needed


def manage(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=CHECKOUT,
        env=clean(variables),
        capture_output=True,
        text=True,
        check=False,
    )


def clean(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a person who never heard of the test run."""
    ours = ("DATABASE_URL", "HEALTHTRACK_", "PYTEST_", "DJANGO_")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(ours)}, **variables}


ASK = """
import json, os
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT current_database(), current_setting('data_directory')")
    row = cursor.fetchone()
print(json.dumps([*row, os.environ["HEALTHTRACK_DATA_DIR"]]))
"""


def test_a_command_gets_the_embedded_database_of_its_data_folder_and_leaves_nothing_running(filled: Path) -> None:
    done = manage("shell", "-v0", "-c", ASK, "--data-dir", str(filled))
    assert done.returncode == 0, done.stderr
    expected = ["healthtrack", str(filled / "postgresql" / "data"), str(filled)]
    assert json.loads(done.stdout.splitlines()[-1]) == expected
    assert is_free(filled / "postgresql" / ".server.lock")
    again = manage("shell", "-v0", "-c", ASK, HEALTHTRACK_DATA_DIR=str(filled))
    assert json.loads(again.stdout.splitlines()[-1]) == expected


def test_with_a_database_url_nothing_is_embedded(data_dir: Path) -> None:
    url = os.environ["DATABASE_URL"]
    done = manage("shell", "-v0", "-c", ASK, "--data-dir", str(data_dir), DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    with psycopg.connect(url) as connection:
        place = connection.execute("SELECT current_setting('data_directory')").fetchone()
    assert place is not None
    assert json.loads(done.stdout.splitlines()[-1]) == ["healthtrack", place[0], str(data_dir)]
    assert list(data_dir.iterdir()) == []


def test_a_command_that_needs_no_database_starts_none(data_dir: Path) -> None:
    done = manage("check", "--data-dir", str(data_dir))
    assert done.returncode == 0, done.stderr
    assert list(data_dir.iterdir()) == []


def test_a_command_logs_no_warning_of_a_library(data_dir: Path) -> None:
    """Each command loads the admin, and with it whatever the admin's libraries have to say about our use of them."""
    assert manage("check", "--data-dir", str(data_dir)).stderr == ""


LOG = "import structlog; log = structlog.get_logger('x'); log.info('by the way'); log.warning('look here')"


def test_a_persons_command_logs_from_warnings_on_unless_told_otherwise(data_dir: Path) -> None:
    url = os.environ["DATABASE_URL"]
    quiet = manage("shell", "-v0", "-c", LOG, "--data-dir", str(data_dir), DATABASE_URL=url)
    assert [json.loads(line)["event"] for line in quiet.stderr.splitlines()] == ["look here"]
    words = ("shell", "-v0", "-c", LOG, "--data-dir", str(data_dir))
    told = manage(*words, DATABASE_URL=url, HEALTHTRACK_LOG_LEVEL="INFO")
    assert [json.loads(line)["event"] for line in told.stderr.splitlines()] == ["by the way", "look here"]


def test_a_failing_command_passes_its_exit_code_on_and_stops_the_database(filled: Path) -> None:
    done = manage("shell", "-v0", "-c", "import sys; sys.exit(5)", "--data-dir", str(filled))
    assert done.returncode == 5
    assert is_free(filled / "postgresql" / ".server.lock")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_command_that_is_told_to_end_leaves_the_database_in_order(
    filled: Path, number: signal.Signals, code: int
) -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "-v0", "-c", "print('ready', flush=True); import time; time.sleep(60)"],
        cwd=CHECKOUT,
        env=clean({"HEALTHTRACK_DATA_DIR": str(filled)}),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "ready" in process.stdout.readline()
    process.send_signal(number)
    process.communicate()
    assert process.returncode == code
    assert is_free(filled / "postgresql" / ".server.lock")


def test_a_database_that_cannot_be_had_is_said_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = manage("migrate", "--data-dir", str(tmp_path / "file"))
    assert done.returncode == 2
    assert done.stderr == f"{tmp_path / 'file'} is not a folder. Choose another --data-dir.\n"


def test_the_database_programs_run_on_the_same_database(filled: Path) -> None:
    folder = {"HEALTHTRACK_DATA_DIR": str(filled)}
    assert manage("pg", "psql", "-qc", "UPDATE kept SET x = 42", **folder).returncode == 0
    dump = manage("pg", "pg_dump", "--table", "kept", **folder)
    assert dump.returncode == 0
    assert "COPY public.kept (x) FROM stdin;\n42\n" in dump.stdout
    assert manage("pg", "psql", "-c", "nonsense", **folder).returncode == 1
    assert is_free(filled / "postgresql" / ".server.lock")


@pytest.mark.parametrize("name", ["nonsense", "/bin/sh", "../../../bin/sh"])
def test_another_program_is_not_run(data_dir: Path, name: str) -> None:
    done = manage("pg", name, DATABASE_URL=os.environ["DATABASE_URL"])
    assert done.returncode == 2
    assert f"There is no PostgreSQL program {name!r} here." in done.stderr


def test_a_password_reaches_a_program_by_its_environment_alone() -> None:
    from runtime.postgres.pg import libpq

    seen = libpq("postgresql://me:s%40cret@db.example:6000/health?sslmode=require")
    assert seen == {
        "PGUSER": "me",
        "PGPASSWORD": "s@cret",
        "PGHOST": "db.example",
        "PGPORT": "6000",
        "PGDATABASE": "health",
        "PGSSLMODE": "require",
    }
