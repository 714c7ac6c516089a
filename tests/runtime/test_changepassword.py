"""``manage.py changepassword``: a new password, at a terminal or from a program."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands
from django.test import Client

from environments.models import PasswordLink, User
from tests.live import MANAGE, LiveServer
from tests.runtime.restoring import installation

GOOD = "correct horse 7"


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_superuser("Ann@example.com", "before it all")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob@example.com", "before it all")


def change(monkeypatch: pytest.MonkeyPatch, *words: str, stdin: str = "") -> tuple[str, str]:
    """Run the command; return what it wrote."""
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    call_command("changepassword", *words, stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


def has(user: User, password: str) -> bool:
    return User.objects.get(pk=user.pk).check_password(password)


def test_the_command_is_ours_and_not_djangos() -> None:
    assert get_commands()["changepassword"] == "runtime"


@pytest.mark.parametrize("email", ["Ann@example.com", "ann@EXAMPLE.com", " ann@example.com "])
def test_a_user_is_known_by_the_address_in_any_case(
    ann: User, bob: User, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    out, err = change(monkeypatch, email, "--password-stdin", stdin=f"{GOOD}\nmore\n")
    assert (out, err) == ("", "The password of Ann@example.com is changed; sessions of this user have ended.\n")
    assert has(ann, GOOD)
    assert has(bob, "before it all")


def test_sessions_end(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    client.force_login(ann)
    assert client.get("/admin/").status_code == 200
    change(monkeypatch, "--generate")
    assert client.get("/admin/").status_code == 302


def test_a_password_that_is_made_is_all_that_is_on_standard_output(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    out, _ = change(monkeypatch, "--generate")
    assert len(out) == 17  # 12 random bytes, and the end of the line
    assert has(ann, out.strip())


def test_without_an_address_the_only_user_is_meant(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch, "--password-stdin", stdin=GOOD)
    assert has(ann, GOOD)
    User.objects.create_user("bob@example.com", "before it all")
    with pytest.raises(CommandError, match="Whose"):
        change(monkeypatch, "--password-stdin", stdin="another horse 8")
    assert has(ann, GOOD)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "An empty password is refused."),
        ("\nsecond line", "An empty password is refused."),
        ("short", "too short"),
        ("password1", "too common"),
        ("x" * 4_097, "more than 4096 characters"),
        ("caf\udce9 and more", "must be text in UTF-8"),  # what Python makes of other bytes
        ("caf\x00 and more", "Null characters are not allowed"),
    ],
)
def test_a_password_that_the_admin_would_refuse_is_refused(
    ann: User, monkeypatch: pytest.MonkeyPatch, password: str, said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        change(monkeypatch, "--password-stdin", stdin=password)
    assert has(ann, "before it all")


def test_an_unknown_address_is_a_sentence(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="There is no user eve@"):
        change(monkeypatch, "eve@example.com", "--generate")


def test_an_address_that_is_no_text_is_unknown(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="There is no user"):
        change(monkeypatch, "ann\udce9@example.com", "--generate")


def test_a_link_that_was_under_way_is_spent(ann: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password may be changed because somebody else can read the user's mail."""
    secrets = [PasswordLink.objects.issue(user) for user in (ann, bob)]
    change(monkeypatch, "ann@example.com", "--generate")
    assert [PasswordLink.objects.by_secret(secret).exists() for secret in secrets] == [False, True]


@pytest.mark.django_db
def test_without_users_there_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="There are no users yet"):
        change(monkeypatch, "--generate")


def test_of_a_deactivated_user_it_says_so(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert "deactivated" in change(monkeypatch, "--generate")[1]


def test_without_a_terminal_it_says_how(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="say --password-stdin or --generate"):
        change(monkeypatch, "ann@example.com", stdin=GOOD)
    assert has(ann, "before it all")


# ---- at a terminal


class Terminal:
    """The command at a terminal, which types what it is told when it is asked."""

    def __init__(self, server: LiveServer, *words: str) -> None:
        master, slave = pty.openpty()
        self._master, self.said = master, ""
        self.process: subprocess.Popen[Any] = subprocess.Popen(
            [sys.executable, str(MANAGE), "changepassword", *words],
            env=server._environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # which makes it the terminal
        )
        os.close(slave)

    def answer(self, prompt: str, text: str) -> None:
        self._until(prompt)
        os.write(self._master, f"{text}\n".encode())

    def end(self) -> int:
        self._until(None)
        os.close(self._master)
        return self.process.wait(30)

    def _until(self, prompt: str | None) -> None:
        begin, deadline = len(self.said), time.monotonic() + 60
        while prompt is None or prompt not in self.said[begin:]:
            assert time.monotonic() < deadline, self.said
            try:
                read = os.read(self._master, 4096).decode()
            except OSError:  # the other end is closed
                read = ""
            if not read:
                assert prompt is None, self.said
                return
            self.said += read


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with installation() as found:
        found.bootstrap(email="ann@example.com", password="before it all")
        yield found


def test_at_a_terminal_it_asks_twice_and_again_where_these_differ(server: LiveServer) -> None:
    terminal = Terminal(server, "ANN@example.com")
    terminal.answer("New password of ann@example.com:", GOOD)
    terminal.answer("The same again:", "something else")
    terminal.answer("New password of ann@example.com:", "short")
    terminal.answer("The same again:", "short")
    terminal.answer("New password of ann@example.com:", GOOD)
    terminal.answer("The same again:", GOOD)
    assert terminal.end() == 0, terminal.said
    assert "These are not the same." in terminal.said
    assert "too short" in terminal.said
    assert GOOD not in terminal.said
    program = f"from environments.models import User; print(User.objects.get().check_password({GOOD!r}))"
    assert server.manage("shell", "--no-imports", "-c", program).stdout.strip() == "True"


def test_after_three_tries_it_gives_up(server: LiveServer) -> None:
    terminal = Terminal(server)
    for _ in range(3):
        terminal.answer("New password of ann@example.com:", "short")
        terminal.answer("The same again:", "short")
    assert terminal.end() == 1
    assert "Given up after 3 tries. The password is what it was." in terminal.said
