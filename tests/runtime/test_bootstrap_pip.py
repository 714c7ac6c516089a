"""How pip is run and how its output becomes a progress and a reason. A small program plays pip."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from runtime.bootstrap import pip
from runtime.bootstrap.progress import Progress

LOCK = """asgiref==3.0 \\
    --hash=sha256:00
django==5.2.19 ; python_version >= "3.11" \\
    --hash=sha256:00
orjson==3.13 \\
    --hash=sha256:00
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements" / "runtime.txt"
    path.parent.mkdir()
    path.write_text(LOCK)
    return path


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    """Let ``code`` play pip."""
    script = tmp_path / "__pip-runner__.py"
    script.write_text(code)
    monkeypatch.setattr(pip, "runner", lambda: script)


def install(lock: Path, said: io.StringIO) -> None:
    with open(os.devnull, "rb") as lock_file:
        pip.install(Path(sys.executable), lock, Progress(said), lock_file.fileno())


def test_it_installs_wheels_with_known_hashes_from_the_lock_file_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lock: Path, said: io.StringIO
) -> None:
    play(monkeypatch, tmp_path, f"import sys; open({str(tmp_path / 'seen')!r}, 'w').write(' '.join(sys.argv[1:]))")
    install(lock, said)
    words = (tmp_path / "seen").read_text().split()
    assert words[0] == "install"
    assert {"--require-hashes", "--only-binary=:all:", "--no-compile", "--no-input"} <= set(words)
    assert words[-2:] == ["-r", str(lock)]


def test_the_progress_counts_what_pip_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lock: Path, said: io.StringIO
) -> None:
    monkeypatch.setattr(said, "isatty", lambda: True)
    lines = [
        "Collecting asgiref==3.0 (from -r x)",
        "Requirement already satisfied: django==5.2.19 in /x",
        "  Using cached",
    ]
    play(monkeypatch, tmp_path, f"for line in {[*lines, 'Installing collected packages: asgiref']}: print(line)")
    install(lock, said)
    text = said.getvalue()
    assert "installing up to 3 packages (requirements/runtime.txt)" in text
    assert "1 of 3 found: asgiref" in text
    assert "2 of 3 found: django" in text
    assert text.endswith("everything is fetched, unpacking\x1b[K\n")


def test_in_a_log_the_counter_does_not_make_a_line_per_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lock: Path, said: io.StringIO
) -> None:
    play(monkeypatch, tmp_path, "for number in range(50): print(f'Collecting package{number}')")
    install(lock, said)
    assert len(said.getvalue().splitlines()) == 1


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        ("WARNING: NewConnectionError('x: Failed to establish')", "could not get the packages from its index"),
        ("SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED'))", "PIP_CERT"),
        ("ERROR: No matching distribution found for asgiref==3.0", "PIP_INDEX_URL"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "is not the one that was locked"),
        ("OSError: [Errno 28] No space left on device", "The disk is full."),
        ("something new", "exit code 3"),
    ],
)
def test_a_failure_shows_pips_last_lines_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lock: Path, said: io.StringIO, output: str, hint: str
) -> None:
    play(monkeypatch, tmp_path, f"import sys; print('old\\n' * 100); print({output!r}, file=sys.stderr); sys.exit(3)")
    with pytest.raises(pip.InstallError) as failed:
        install(lock, said)
    assert output in str(failed.value)
    assert hint in str(failed.value)
    assert str(failed.value).count("old") < 20


def test_the_callers_mirrors_count_and_what_leads_elsewhere_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "PIP_CERT", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "mine")
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER"):
        monkeypatch.setenv(name, "elsewhere")
    seen = pip._environment()
    assert [seen[name] for name in ("PIP_INDEX_URL", "PIP_CERT", "HTTPS_PROXY")] == ["mine"] * 3
    assert "elsewhere" not in seen.values()
    assert seen["PIP_USER"] == "0"


@pytest.mark.parametrize("home", ["", "/nonexistent"])
def test_a_useless_home_does_not_reach_pip(monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.setenv("HOME", home)
    seen = pip._environment()["HOME"]
    assert seen == "/nonexistent" or os.path.isdir(seen)
    assert seen != ""


def test_the_lock_lives_as_long_as_pip(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lock: Path, said: io.StringIO
) -> None:
    """Whoever kills manage.py alone leaves pip working: the next command must wait for it."""
    play(monkeypatch, tmp_path, "import os; print(os.fstat(int(os.environ['KEPT'])).st_ino)")
    with open(tmp_path / "lock", "w") as kept:
        monkeypatch.setenv("KEPT", str(kept.fileno()))
        pip.install(Path(sys.executable), lock, Progress(said), kept.fileno())
