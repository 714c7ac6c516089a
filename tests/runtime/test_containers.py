"""The container files: what they start is started here as plain processes, with their own commands and variables."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests
import yaml

from runtime.bootstrap.places import CHECKOUT
from tests.live import live_server
from tests.runtime.test_worker_command import send, waiting

SECRETS = {"HEALTHTRACK_SECRET_KEY", "POSTGRES_PASSWORD"}


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]
    return found


def image() -> dict[str, Any]:
    """Return the instructions of the Dockerfile that decide how a container runs."""
    text = re.sub(r"\\\n", " ", (CHECKOUT / "Dockerfile").read_text())
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    return {
        "environment": dict(word.split("=", 1) for name, rest in lines if name == "ENV" for word in shlex.split(rest)),
        "check": yaml.safe_load(next(r for n, r in lines if n == "HEALTHCHECK").partition("CMD ")[2]),
        "command": yaml.safe_load(next(rest for name, rest in lines if name == "CMD")),
        "user": next(rest for name, rest in lines if name == "USER"),
    }


def test_every_secret_must_be_given_before_anything_starts() -> None:
    for service in services().values():
        for value in service["environment"].values():
            for name in SECRETS & set(re.findall(r"\w+", value)):
                assert f"${{{name}:?set {name}}}" in value
    worker = services()["worker"]["environment"]
    assert worker.pop("HEALTHTRACK_HEARTBEAT_FILE") in services()["worker"]["healthcheck"]["test"][-1]
    assert services()["web"]["environment"] == worker


def test_what_a_proxy_in_front_needs_can_be_given_without_changing_the_file() -> None:
    """Without them nobody can log in over TLS: the form comes from an origin that is not the server's own."""
    given = services()["web"]["environment"]
    for name, default in {"SITE_URL": "http://127.0.0.1:8000", "TRUSTED_PROXIES": "0", "TRUSTED_ORIGINS": ""}.items():
        assert given[f"HEALTHTRACK_{name}"] == f"${{HEALTHTRACK_{name}:-{default}}}"


def test_the_image_runs_as_nobody_special_and_installs_nothing_at_its_start() -> None:
    found = image()
    assert found["user"] == "healthtrack"
    assert found["environment"]["HEALTHTRACK_NO_BOOTSTRAP"] == "1"
    assert found["command"] == ["python", "manage.py", "up", "--host", "0.0.0.0"]


def test_what_the_image_needs_is_copied_and_what_it_must_not_have_is_not() -> None:
    ignored = (CHECKOUT / ".dockerignore").read_text().split()
    assert {".git", ".venv", ".data"} <= set(ignored)
    assert (CHECKOUT / "requirements/runtime.txt").exists()


def test_the_services_as_processes_take_an_event_and_count_it(tmp_path: Path) -> None:
    web, worker = (services()[name]["command"] for name in ("web", "worker"))
    assert [web[:3], worker] == [["python", "manage.py", "up"], ["python", "manage.py", "worker"]]
    environment = {**image()["environment"], "HEALTHTRACK_SECRET_KEY": "of the test"}
    del environment["HEALTHTRACK_DATA_DIR"]  # a volume there, a temporary folder here
    with live_server(*web[3:], start=False, **environment) as server:
        server._options = tuple(web[3:])
        server.start()
        made = server.bootstrap()
        send(server, made, 1)
        assert waiting(server) == 1
        assert not (server.data / "secret_key").exists()

        check = image()["check"]
        assert check[0] == "python"
        port = {**os.environ, "PORT": str(server.port)}
        assert subprocess.run([sys.executable, *check[1:]], env=port, check=False).returncode == 0

        beat = tmp_path / "worker-alive"
        alive = [sys.executable, *services()["worker"]["healthcheck"]["test"][2:]]
        alive[-1] = alive[-1].replace("/tmp/worker-alive", str(beat))
        with open(server.folder / "log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, str(CHECKOUT / worker[1]), *worker[2:]],
                env={**server._environment, "HEALTHTRACK_HEARTBEAT_FILE": str(beat)},
                stderr=log,
            )
        try:
            server.until(lambda: waiting(server) == 0)
            assert subprocess.run(alive, check=False).returncode == 0
            os.utime(beat, (0, 0))
            server.until(lambda: beat.stat().st_mtime > 0)  # it goes on
        finally:
            process.terminate()
            assert process.wait(60) == 0
        assert 'outcome="counted"} 1.0' in requests.get(f"{server.url}/metrics").text
        os.utime(beat, (0, time.time() - 151))
        assert subprocess.run(alive, check=False, capture_output=True).returncode != 0
        assert server.stop() == 0
        failed = subprocess.run([sys.executable, *check[1:]], env=port, check=False, capture_output=True)
        assert failed.returncode != 0
