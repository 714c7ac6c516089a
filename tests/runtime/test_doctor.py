"""``manage.py doctor`` as an operator calls it."""

from __future__ import annotations

import json
from typing import Any

from tests.live import LiveServer, live_server
from tests.runtime.restoring import contents, installation


def look(server: LiveServer, **environment: str) -> tuple[int, dict[str, tuple[str, str, str]]]:
    """Return the exit code, and state, text and remedy of each check (of several findings the last)."""
    done = server.manage("doctor", "--json", expect=None, **environment)
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["ok"] is (done.returncode == 0)
    return done.returncode, {one["check"]: (one["state"], one["text"], one["fix"]) for one in said["checks"]}


def states(found: dict[str, tuple[str, str, str]], state: str) -> set[str]:
    return {name for name, finding in found.items() if finding[0] == state}


def test_of_a_server_that_runs_nothing_is_wrong() -> None:
    with live_server(embedded=True) as server:
        server.until(lambda: look(server)[0] == 0)
        code, found = look(server)
        assert (code, states(found, "wrong"), states(found, "skipped")) == (0, set(), set())
        assert states(found, "note") == {"site"}
        said = server.manage("doctor").stdout
        assert said.endswith("\n\nNothing is wrong.\n")
        assert "OK      migrations: All are applied.\n" in said
        server.stop()
        code, found = look(server)
        assert (code, states(found, "wrong")) == (1, {"processes"})
        assert "→ Start the server: manage.py up\n" in server.manage("doctor", expect=1).stdout


def test_where_there_is_no_installation_it_says_so_and_makes_none() -> None:
    with live_server(embedded=True, start=False) as server:
        code, found = look(server)
        assert (code, states(found, "wrong")) == (1, {"database"})
        assert found["database"][1] == f"There is no database in {server.data} yet."
        assert states(found, "skipped") >= {"migrations", "backlog", "processes", "disk"}
        assert not server.data.exists()


def test_an_embedded_database_that_does_not_start_is_a_finding() -> None:
    with live_server(embedded=True, start=False) as server:
        server.bootstrap()
        (server.data / "postgresql").resolve().joinpath("data", "PG_VERSION").write_text("9\n")
        code, found = look(server)
        assert (code, found["database"][0]) == (1, "wrong")
        assert "holds the data of PostgreSQL 9" in found["database"][1]


def test_a_database_that_is_away_is_a_finding_without_its_password() -> None:
    with installation() as server:
        done = server.manage("doctor", expect=1, DATABASE_URL="postgresql://ann:s3cret@127.0.0.1:1/none")
        assert "WRONG   database: The database none at 127.0.0.1 cannot be reached: " in done.stdout
        assert "s3cret" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_a_database_without_tables_is_a_finding_and_stays_as_it_is() -> None:
    with installation() as server:
        code, found = look(server)
        assert (code, found["migrations"][0], found["backlog"][0]) == (1, "wrong", "skipped")
        assert contents(server) == {}
