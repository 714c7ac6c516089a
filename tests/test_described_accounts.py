"""As `tests.test_described_answers`, for users, organizations, projects and keys: with a key, and with a session."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from environments.models import Invitation, Membership, Organization, PersonalAPIKey, Project, User
from tests.live import live_server
from tests.test_described_answers import ACCOUNTS, EXAMPLES, OPTIONS

PASSWORD = "correct horse battery"
MANY = 30


def furnish_as_json(email: str) -> None:
    """Make more of everything, in another process, and print the names by the parameters that take them."""
    user = User.objects.get(email=email)
    organization = user.memberships.get().organization
    people = [User.objects.create_user(f"person{number}@example.com") for number in range(MANY)]
    for person in people:
        Membership.objects.create(organization=organization, user=person)
    projects = [Project.objects.create(organization=organization, name=f"Project {number}") for number in range(MANY)]
    others = [Organization.objects.create(name=f"Organization {number}") for number in range(MANY)]
    for other in others:
        Membership.objects.create(organization=other, user=user, level=Membership.Level.OWNER)
    invited = [Invitation.objects.issue(organization, f"guest{number}@example.com")[0] for number in range(MANY)]
    keys = [PersonalAPIKey.objects.issue(user, "spare", ["*"])[0] for _ in range(6)]
    found = {
        "project_id": [str(project.pk) for project in projects],
        "environment_id": [str(project.pk) for project in projects],
        "organization_id": [str(organization.pk), "@current"],
        # Not the one that the others belong to: these are deleted by and by.
        "organizations": [str(other.pk) for other in others],
        "invites": [str(invitation.pk) for invitation in invited],
        "personal_api_keys": [*(key.pk for key in keys), "@current"],
        "user_uuid": [str(person.pk) for person in people],
        "uuid": [str(user.pk), "@me"],
    }
    print(json.dumps(found))


def with_examples(description: dict[str, Any], names: dict[str, list[str]]) -> dict[str, Any]:
    """Return the description of these paths with the names that exist."""
    description["paths"] = {path: item for path, item in description["paths"].items() if re.match(ACCOUNTS, path)}
    for path, item in description["paths"].items():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                kind = parameter["name"]
                if kind == "id":
                    kind = next(place for place in ("invites", "personal_api_keys", "organizations") if place in path)
                if parameter["in"] == "path":
                    parameter["schema"] = {"type": "string", "enum": names[kind]}
    return description


def session(url: str, email: str) -> dict[str, str]:
    """Log in as people do, and return the headers of requests with that session."""
    browser = requests.Session()
    browser.get(f"{url}/account/login/", timeout=30)
    form = {"username": email, "password": PASSWORD, "csrfmiddlewaretoken": browser.cookies["posthog_csrftoken"]}
    assert browser.post(f"{url}/account/login/", form, timeout=30).url == f"{url}/account/"
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return {"Cookie": cookies, "X-CSRFToken": browser.cookies["posthog_csrftoken"]}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("caller", ["key", "session"])
def test_every_answer_is_described(tmp_path: Path, caller: str) -> None:
    with live_server(HEALTHTRACK_RATE_LIMITS="off") as server:
        email = "generator@example.com"
        made = server.bootstrap(email=email, scopes="*", password=PASSWORD)
        program = f"from tests.test_described_accounts import furnish_as_json; furnish_as_json({email!r})"
        names = json.loads(server.manage("shell", "--no-imports", "-c", program).stdout)
        description = with_examples(requests.get(f"{server.url}/api/schema/?format=json", timeout=30).json(), names)
        (tmp_path / "openapi.json").write_text(json.dumps(description))
        key = {"Authorization": f"Bearer {made['personal_api_key']}"}
        headers = key if caller == "key" else session(server.url, email)
        command = [sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", server.url, *OPTIONS]
        command += ["--max-examples", str(EXAMPLES)]
        if caller == "session":  # a request without a key is answered all the same
            command[command.index("--exclude-checks") + 1] += ",ignored_auth,missing_required_header"
        for name, value in headers.items():
            command += ["--header", f"{name}: {value}"]
        done = subprocess.run(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=540, check=False
        )
        if done.returncode:
            pytest.fail(done.stdout, pytrace=False)
        operations = sum(len(item) for item in description["paths"].values())
        assert operations == 27
        assert f"Tested: {operations}\n" in done.stdout
