"""Where files may go on machines where the home folder, the checkout or both are missing or closed."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from runtime.bootstrap import places


@pytest.fixture
def no_passwd_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", missing)


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """Folders that cannot be written; modes do not stop root, so the question itself is answered."""
    folders: set[Path] = set()
    real = os.access

    def access(path: str | Path, mode: int) -> bool:
        return not (mode & os.W_OK and Path(path) in folders) and real(path, mode)

    monkeypatch.setattr(os, "access", access)
    return folders


def test_the_home_is_the_one_of_the_variable(tmp_path: Path) -> None:
    assert places.home({"HOME": str(tmp_path)}) == tmp_path


@pytest.mark.parametrize("value", ["", "relative", "/nonexistent/home"])
def test_a_useless_home_variable_leads_to_the_accounts_entry(value: str) -> None:
    expected = pwd.getpwuid(os.getuid()).pw_dir
    assert places.home({"HOME": value}) == (Path(expected) if os.path.isdir(expected) else None)


@pytest.mark.usefixtures("no_passwd_entry")
def test_an_account_without_an_entry_and_a_variable_has_no_home() -> None:
    assert places.home({}) is None


def test_the_cache_is_where_xdg_says(tmp_path: Path) -> None:
    folder = places.cache_folder({"XDG_CACHE_HOME": str(tmp_path), "HOME": "/nonexistent"})
    assert folder == tmp_path / "healthtrack"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_relative_xdg_folder_does_not_count(tmp_path: Path) -> None:
    folder = places.cache_folder({"XDG_CACHE_HOME": "cache", "HOME": str(tmp_path)})
    assert folder == tmp_path / ".cache" / "healthtrack"


@pytest.mark.usefixtures("no_passwd_entry")
def test_without_a_home_the_cache_is_a_private_folder_among_the_temporary_ones(tmp_path: Path) -> None:
    folder = places.cache_folder({"TMPDIR": str(tmp_path)})
    assert folder == tmp_path / f"healthtrack-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_home_that_cannot_be_written_is_passed_over(
    tmp_path: Path, closed: set[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "tmp").mkdir()
    closed.add(tmp_path / "home")
    folder = places.cache_folder({"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")})
    assert folder.parent == tmp_path / "tmp"
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.usefixtures("no_passwd_entry")
@pytest.mark.parametrize("trap", ["link", "writable by others"])
def test_a_trap_under_a_name_that_can_be_guessed_is_not_used(tmp_path: Path, trap: str) -> None:
    name = tmp_path / f"healthtrack-{os.getuid()}"
    if trap == "link":
        (tmp_path / "elsewhere").mkdir()
        name.symlink_to(tmp_path / "elsewhere")
    else:
        name.mkdir()
        name.chmod(0o777)
    assert not places.make_own(name)
    assert name not in [places.cache_folder({"TMPDIR": str(tmp_path)})]


def test_the_data_folder_is_the_one_that_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert places.data_folder({"HEALTHTRACK_DATA_DIR": "/srv/data"}) == Path("/srv/data")
    assert places.data_folder({"HEALTHTRACK_DATA_DIR": "here"}) == tmp_path / "here"


def test_the_data_are_kept_in_the_checkout_where_it_can_be_written(tmp_path: Path) -> None:
    assert places.data_folder({"HOME": "/nonexistent"}, tmp_path) == tmp_path / ".data"
    assert not (tmp_path / ".data").exists(), "asking makes nothing"


def test_the_data_of_a_closed_checkout_are_the_users(tmp_path: Path, closed: set[Path]) -> None:
    checkout, home, xdg = tmp_path / "checkout", tmp_path / "home", tmp_path / "xdg"
    for folder in (checkout, home, xdg):
        folder.mkdir()
    closed.add(checkout)
    assert places.data_folder({"HOME": str(home)}, checkout) == home / ".local" / "share" / "healthtrack"
    both = {"HOME": str(home), "XDG_DATA_HOME": str(xdg)}
    assert places.data_folder(both, checkout) == xdg / "healthtrack"


@pytest.mark.usefixtures("no_passwd_entry")
def test_data_never_go_to_a_temporary_folder(tmp_path: Path, closed: set[Path]) -> None:
    closed.add(tmp_path)
    with pytest.raises(places.NoPlace, match="--data-dir or HEALTHTRACK_DATA_DIR"):
        places.data_folder({"TMPDIR": "/tmp"}, tmp_path)


def test_two_checkouts_have_two_keys() -> None:
    keys = {places.checkout_key(Path(path)) for path in ("/a/healthtrack", "/b/healthtrack")}
    assert len(keys) == 2
    assert all(len(key) == 12 for key in keys)
