"""``manage.py up`` as a user runs it, with its own embedded PostgreSQL: started, killed, started again, stopped."""

from __future__ import annotations

import json
import re
import shlex
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from runtime.supervisor import identity
from runtime.supervisor.state import RunFolder
from tests.live import LiveServer, live_server


@pytest.fixture(scope="module")
def embedded() -> Iterator[LiveServer]:
    """A running server with an embedded database. Tests may kill its processes; each waits until all is well again."""
    with live_server(embedded=True) as running:
        yield running


def all_gone(server: LiveServer) -> bool:
    """Return whether no process is left that works on the data folder."""
    found = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return str(server.folder) not in found and not RunFolder(server.data).read()


def printed(output: str, name: str) -> str:
    found = re.search(rf"^\s+{re.escape(name)}\s+(\S+)$", output, re.M)
    assert found, output
    return found[1]


def test_the_first_start_tells_everything_once_and_what_it_prints_works_when_pasted() -> None:
    with live_server(embedded=True) as server:
        output = server.output
        url = server.url
        for name in ("API", "Docs", "Admin"):
            assert requests.get(printed(output, name)).status_code == 200
        assert "they show within 2 seconds" in output
        assert requests.get(f"{url}/api/unknown").status_code == 404
        assert output.count("Password") == 1
        password, token, key = (printed(output, n) for n in ("Password", "Project token", "Personal API key"))

        # The program as it stands between the lines around it, and the curl line with curl's own meaning of it.
        program = output[output.index("from posthog") : output.index("  curl ")]
        done = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        words = shlex.split(output[output.index("curl ") :])
        assert words[:2] == ["curl", "-H"]
        name, _, value = words[2].partition(": ")

        def frames() -> list[dict[str, Any]]:
            request = urllib.request.Request(words[3], headers={name: value})
            return list(json.load(urllib.request.urlopen(request))["results"])

        [frame] = server.until(frames)
        assert frame["contents"]["line"] == 5
        assert words[3].startswith(url)

        login = requests.Session()
        login.get(f"{url}/admin/login/")
        form = {
            "username": printed(output, "E-mail"),
            "password": password,
            "csrfmiddlewaretoken": login.cookies["posthog_csrftoken"],
        }
        answer = login.post(f"{url}/admin/login/?next=/admin/", form, headers={"Referer": url}, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
        assert login.get(f"{url}/admin/").status_code == 200

        secret = server.data / "secret_key"
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        assert len(secret.read_text()) > 48
        for word in (password, token, key, secret.read_text().strip()):
            assert word not in server.log
        for line in server.log.splitlines():
            assert set(json.loads(line)) >= {"timestamp", "level", "event", "logger", "role", "pid"}

        before = secret.read_text()
        assert server.stop(signal.SIGINT) == 0
        assert server.output.endswith("Stopped.\n")
        assert all_gone(server)

        server.start()
        assert server.url == url
        assert "Healthtrack is ready." in server.output
        assert "phx_" not in server.output
        assert "Password" not in server.output
        assert "bootstrap" not in server.output
        assert secret.read_text() == before
        assert frames() == [frame]
        assert login.get(f"{url}/admin/").status_code == 200  # the session outlives the restart


@pytest.mark.parametrize("role", ["web", "worker"])
def test_a_killed_process_is_started_again_and_counted(embedded: LiveServer, role: str) -> None:
    before = {row["name"]: row for row in embedded.ps()}
    old = embedded.kill(role)
    new = embedded.wait_replaced(role, old)
    after = {row["name"]: row for row in embedded.ps()}
    assert after[f"{role}-1"]["pid"] == new
    assert after[f"{role}-1"]["restarts"] == before[f"{role}-1"]["restarts"] + 1
    others = [name for name in before if name != f"{role}-1"]
    assert {name: after[name] for name in others} == {name: before[name] for name in others}
    # The socket stayed open: a connection made while nobody served waits for the successor.
    assert requests.get(f"{embedded.url}/readyz", timeout=30).status_code == 200


def test_a_killed_database_is_started_again_and_nothing_is_ever_a_500(embedded: LiveServer) -> None:
    made = embedded.bootstrap()
    paths = ["/readyz", "/livez", "/metrics", f"/api/environments/{made['environment_id']}/error_tracking/releases/"]
    headers = {"Authorization": f"Bearer {made['personal_api_key']}"}

    def ask() -> list[int]:
        answers = [requests.get(embedded.url + path, headers=headers, timeout=30) for path in paths]
        event = {"api_key": made["project_token"], "event": "x", "distinct_id": "d"}
        answers.append(requests.post(f"{embedded.url}/e/", json=event, timeout=30))
        for answer in answers:
            assert answer.status_code in (200, 503), answer.text
            if answer.status_code == 503:
                assert int(answer.headers["Retry-After"]) > 0
        return [answer.status_code for answer in answers]

    assert ask() == [200] * 5
    old = embedded.kill("database")
    seen: list[list[int]] = []

    def is_back() -> bool:
        seen.append(ask())
        return seen[-1] == [200] * 5 and bool(embedded.pids("database"))

    embedded.until(is_back)
    assert all(codes[1:3] == [200, 200] for codes in seen), "livez and metrics need no database"
    assert embedded.wait_replaced("database", old)
    assert [row["restarts"] for row in embedded.ps() if row["role"] == "database"] == [1]


def test_a_second_server_on_the_same_data_is_refused(embedded: LiveServer) -> None:
    refused = embedded.manage("up", "--port", "0", expect=2)
    [supervisor] = embedded.pids("supervisor")
    assert f"A server runs on the data folder {embedded.data} already (process {supervisor})." in refused.stderr
    assert "Traceback" not in refused.stderr
    assert embedded.ps()[0]["pid"] == supervisor


def test_a_port_that_is_taken_is_told_and_no_process_is_left(embedded: LiveServer, tmp_path: Path) -> None:
    data = embedded.folder / "other"
    refused = embedded.manage("up", "--port", str(embedded.port), "--data-dir", str(data), expect=2)
    assert f"The server cannot listen on 127.0.0.1, port {embedded.port}: Address already in use." in refused.stderr
    assert "Choose another: --host, --port." in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not RunFolder(data).read()
    assert str(data) not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_bootstrap_beside_a_running_server_gives_a_key_that_works_there(embedded: LiveServer) -> None:
    made = embedded.bootstrap(email="ann@example.com", project="shop", scopes="error_tracking:read")
    url = f"{embedded.url}/api/environments/{made['environment_id']}/error_tracking/releases/"
    headers = {"Authorization": f"Bearer {made['personal_api_key']}"}
    assert requests.get(url, headers=headers).json()["results"] == []
    assert requests.post(url, headers=headers, json={"version": "1", "project": "p"}).status_code == 403


def test_links_that_commands_print_lead_to_the_running_server(embedded: LiveServer) -> None:
    embedded.bootstrap(email="ben@example.com")
    link = embedded.manage("passwordlink", "ben@example.com").stdout.strip()
    assert link.startswith(f"{embedded.url}/account/password/?link=")
    assert requests.get(link).status_code == 200


def test_metrics_are_the_sum_of_all_web_processes() -> None:
    with live_server(web=2, workers=0) as server:
        for _ in range(40):
            requests.get(f"{server.url}/livez")
        line = 'healthtrack_http_requests_total{method="GET",route="^livez/?$",status="200"} 40.0'
        for _ in range(10):
            assert line in requests.get(f"{server.url}/metrics").text


def test_after_a_killed_supervisor_the_next_start_and_stop_leave_nothing() -> None:
    with live_server(embedded=True) as server:
        made = server.bootstrap()
        children = {row["pid"]: row["role"] for row in server.ps() if row["role"] in ("web", "worker")}
        marks = {pid: identity.of(pid) for pid in children}
        server.stop(signal.SIGKILL)
        server.until(lambda: not any(identity.is_same(pid, mark or "") for pid, mark in marks.items()))
        server.start()
        url = f"{server.url}/api/environments/{made['environment_id']}/error_tracking/releases/"
        assert requests.get(url, headers={"Authorization": f"Bearer {made['personal_api_key']}"}).status_code == 200
        assert server.stop() == 0
        assert all_gone(server)


def test_a_frozen_child_of_a_killed_supervisor_is_ended_by_the_next_start() -> None:
    with live_server(workers=0) as server:
        frozen = server.kill("web", signal.SIGSTOP)  # deaf to everything but kill -9
        mark = identity.of(frozen) or ""
        server.stop(signal.SIGKILL)
        assert identity.is_same(frozen, mark)
        server.start()
        assert not identity.is_same(frozen, mark)
        assert "ended processes that a killed supervisor had left" in server.log


@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.0, 3.5])
def test_a_stop_during_the_start_leaves_nothing(seconds: float) -> None:
    with live_server(embedded=True, start=False) as server:
        server.start(wait=False)
        with pytest.raises(subprocess.TimeoutExpired):
            server._process.wait(seconds)  # type: ignore[union-attr]
        assert server.stop(signal.SIGINT) in (0, 1, 130, -signal.SIGINT)
        assert all_gone(server)
        assert "Traceback" not in server.log, server.log
        assert server.start().stop() == 0


def test_two_machines_that_start_at_once_share_the_work() -> None:
    with live_server(start=False, workers=0) as one, live_server(start=False, workers=0) as two:
        two._environment["DATABASE_URL"] = one.database_url or ""
        one.start(wait=False)
        two.start(wait=False)
        for server in (one, two):
            server.wait_ready()
        told = [server for server in (one, two) if "Personal API key" in server.output]
        assert len(told) == 1
        key = printed(told[0].output, "Personal API key")
        for server in (one, two):
            url = f"{server.url}/api/environments/1/error_tracking/releases/"
            assert requests.get(url, headers={"Authorization": f"Bearer {key}"}).status_code == 200
            assert server.stop() == 0


def break_children(server: LiveServer, statement: str) -> Path:
    """Have every web process run ``statement`` first: the supervisor's own environment is the same, and stays whole."""
    server._environment["PYTHONPATH"] = str(server.folder)
    path = server.folder / "sitecustomize.py"
    path.write_text(f"import os, sys, time\nif 'web' in sys.argv[1:2] or 'web' in sys.orig_argv: {statement}\n")
    return path


def test_credentials_are_told_even_when_the_server_does_not_come_up() -> None:
    with live_server(start=False, workers=0) as server:
        break_children(server, "raise SystemExit('/nonexistent/key')")
        server.start(wait=False)
        assert server.wait_end() == 1
        assert printed(server.output, "Personal API key").startswith("phx_")
        assert "web-1 ended 3 times before the server was ready" in server.log


def test_credentials_outlive_a_kill_before_the_server_is_ready_and_their_loss_is_noticed() -> None:
    hint = "New credentials: python3 manage.py bootstrap --password …"
    with live_server(start=False, workers=0) as server:
        broken = break_children(server, "time.sleep(600)")
        server.start(wait=False)
        server.until(lambda: "Personal API key" in server.output)
        assert "Healthtrack is ready." not in server.output
        server.stop(signal.SIGKILL)
        key = printed(server.output, "Personal API key")
        broken.unlink()

        server.start()
        assert hint in server.output
        assert "phx_" not in server.output
        url = f"{server.url}/api/environments/1/error_tracking/releases/"
        assert requests.get(url, headers={"Authorization": f"Bearer {key}"}).status_code == 200
        server.stop()
        server.start()
        assert "bootstrap" not in server.output
        assert "Password" not in server.output


@pytest.mark.parametrize(
    ("options", "environment", "code", "text"),
    [
        (["--port", "70000"], {}, 2, "'70000' is not a number from 0 to 65535"),
        (["--web", "0"], {}, 2, "'0' is not a number from 1 to 64"),
        (["--host", "nowhere.invalid"], {}, 2, "The server cannot listen on nowhere.invalid"),
        (["--web", "40"], {}, 1, "40 web processes with 8 threads and 1 workers need up to"),
        ([], {"DATABASE_URL": "mysql://x"}, 2, "DATABASE_URL must begin with postgresql://"),
        (
            [],
            {"DATABASE_URL": "postgresql://u:geheim@127.0.0.1:1/x"},
            1,
            "The database x at 127.0.0.1 cannot be reached",
        ),
        ([], {"HEALTHTRACK_WEB_THREADS": "many"}, 2, "HEALTHTRACK_WEB_THREADS must be a whole number; it is 'many'"),
        (["--data-dir", "/dev/null/x"], {}, 1, "The data folder /dev/null/x cannot be written"),
        (
            ["--data-dir", "/dev/null/x"],
            {"DATABASE_URL": ""},
            2,
            "The data folder /dev/null/x cannot be used: Not a directory. Choose another --data-dir.",
        ),
        (
            [],
            {"DATABASE_URL": "postgresql://u:geheim/1@127.0.0.1/x"},
            2,
            "DATABASE_URL cannot be read: write /, ?, #, @ and : of the password as %2F, %3F, %23, %40 and %3A",
        ),
        (
            [],
            {"DATABASE_URL": "postgresql://u:geheim@127.0.0.1:fünf/x"},
            2,
            "DATABASE_URL cannot be read",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_words(
    server: LiveServer, tmp_path: Path, options: list[str], environment: dict[str, str], code: int, text: str
) -> None:
    words = [*options] if "--data-dir" in options else [*options, "--data-dir", str(tmp_path / "data")]
    if "--port" not in options:
        words += ["--port", "0"]
    refused = server.manage("up", *words, expect=code, **environment)
    assert text in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "geheim" not in refused.stderr
    assert refused.stdout == ""
