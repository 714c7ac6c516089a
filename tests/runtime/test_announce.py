"""What ``up`` says at the terminal."""

from __future__ import annotations

import ast
import shlex

import pytest

from environments.provisioning import Provisioned
from runtime import announce

MADE = Provisioned(7, "phc_token", "phx_key", "ann@example.com")


def test_the_first_steps_hold_a_program_and_a_curl_line_that_stand_as_they_are_pasted() -> None:
    text = announce.first_steps("http://127.0.0.1:8000", MADE)
    program = text[text.index("from posthog") : text.index("  curl ")]
    assert 'Posthog("phc_token", host="http://127.0.0.1:8000")' in program
    assert len(ast.parse(program).body) == 4
    assert "Log in as ann@example.com with the password that stands above, before the log." in text
    assert shlex.split(text[text.index("curl ") :]) == [
        "curl",
        "-H",
        "Authorization: Bearer phx_key",
        "http://127.0.0.1:8000/api/environments/7/error_tracking/stack_frames/",
    ]


@pytest.mark.parametrize(("folder", "ending"), [(None, "--password …"), ("/a b", "--password … --data-dir '/a b'")])
def test_the_way_to_new_credentials_is_one_line_that_finds_the_data(folder: str | None, ending: str) -> None:
    [line] = announce.never_used(folder).splitlines()
    assert line.endswith(f"New credentials: python3 manage.py bootstrap {ending}")
