"""``manage.py bootstrap``: one JSON object on standard output, or a text that says why not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.core.management import CommandError, call_command

from environments.models import PersonalAPIKey, User
from environments.secrets import hash_key
from tests.live import MANAGE, fresh_database


def run(*options: str, database: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k != "HEALTHTRACK_TEST_DATABASE"}
    if database is not None:
        environment["DATABASE_URL"] = database
    return subprocess.run(
        [sys.executable, str(MANAGE), "bootstrap", *options],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.django_db
def test_the_json_holds_exactly_the_four_documented_keys(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--email", "ann@example.com", "--password", "one two three", "--project", "shop"]
    call_command("bootstrap", "--json", *options, "--scopes", "error_tracking:read, health_issue:read")
    output = capsys.readouterr().out
    assert output.count("\n") == 1
    made = json.loads(output)
    assert list(made) == ["environment_id", "project_token", "personal_api_key", "email"]
    assert made["email"] == "ann@example.com"
    assert made["project_token"].startswith("phc_")
    user = User.objects.get()
    assert user.check_password("one two three")
    key = PersonalAPIKey.objects.get(secure_value=hash_key(made["personal_api_key"]))
    assert (key.label, key.scopes) == ("bootstrap", ["error_tracking:read", "health_issue:read"])
    assert user.current_project_id == made["environment_id"]


@pytest.mark.django_db
def test_the_readable_form_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("bootstrap")
    lines = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines()[:4])
    assert lines["E-mail"].strip() == "admin@healthtrack.local"
    assert PersonalAPIKey.objects.get().secure_value == hash_key(lines["Personal API key"].strip())


@pytest.mark.django_db
def test_an_unknown_scope_is_an_error_and_changes_nothing() -> None:
    with pytest.raises(CommandError, match="Invalid scope: all"):
        call_command("bootstrap", "--json", "--scopes", "all")
    assert not User.objects.exists()


def test_on_an_empty_database_it_makes_the_tables_and_two_at_once_do_not_collide() -> None:
    with fresh_database() as url:
        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(lambda _: run("--json", database=url), range(2)))
        assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
        first, second = (json.loads(each.stdout) for each in done)
        assert first["environment_id"] == second["environment_id"]
        assert first["personal_api_key"] != second["personal_api_key"]

        refused = run("--json", "--scopes", "nonsense", database=url)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.strip() == "CommandError: Invalid scope: nonsense"

        for _ in range(2):  # whatever is logged, standard output holds one JSON object
            loud = run("--json", "--email", "ann@example.com", database=url, HEALTHTRACK_LOG_LEVEL="DEBUG")
            assert json.loads(loud.stdout)["email"] == "ann@example.com"


def test_a_database_that_cannot_be_reached_is_told_without_a_traceback_or_the_password() -> None:
    done = run("--json", database="postgresql://me:geheim@127.0.0.1:1/nothing")
    assert (done.returncode, done.stdout) == (1, "")
    assert "The database nothing at 127.0.0.1 cannot be reached" in done.stderr
    assert "Check DATABASE_URL." in done.stderr
    assert "Traceback" not in done.stderr
    assert "geheim" not in done.stderr


def test_a_database_that_does_not_exist_is_told_by_name() -> None:
    with fresh_database() as url:
        missing = (url or "").replace("_live_", "_gone_")
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(missing)
        done = run("--json", database=missing)
    assert done.returncode == 1
    assert "does not exist" in done.stderr
    assert "Traceback" not in done.stderr
