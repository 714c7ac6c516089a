"""Where the cluster and its socket lie, and under which account the server runs."""

from __future__ import annotations

import os
import pwd
import re
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

    def test_a_new_home_outside_lists_those_whose_data_folder_is_gone_and_deletes_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with open_folder() as outside:
            monkeypatch.setattr(home, "OUTSIDE", outside / "kept")
            for name in ("first", "second", "third"):
                (tmp_path / name).mkdir(mode=0o700)
                (tmp_path / name).parent.chmod(0o700)
                home.find_or_make(tmp_path / name)
                if name == "first":
                    gone = (tmp_path / name / "postgresql").resolve()
                    (tmp_path / name / "postgresql").unlink()
                    (tmp_path / name).rmdir()
                said = capsys.readouterr().err
                assert said.splitlines() == (
                    []
                    if name == "first"
                    else [
                        f"healthtrack: databases whose data folder is gone (moved or removed; see `belongs-to`): {gone}"
                    ]
                )
            assert len(list((outside / "kept").iterdir())) == 3

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
