"""The readers of environment variables that need more than one variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import env


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder on which nothing runs, and no address that somebody has named."""
    monkeypatch.setenv("HEALTHTRACK_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("HEALTHTRACK_SITE_URL", raising=False)
    return tmp_path


def runs_at(data: Path, url: str) -> None:
    (data / "run").mkdir()
    (data / "run" / "url").write_text(url)


def test_the_site_is_where_up_listens_by_default() -> None:
    assert env.site_url() == "http://127.0.0.1:8000"


def test_the_site_is_where_the_server_of_the_data_folder_listens(data: Path) -> None:
    runs_at(data, "http://127.0.0.1:8170\n")
    assert env.site_url() == "http://127.0.0.1:8170"


def test_the_address_that_was_named_goes_before(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs_at(data, "http://127.0.0.1:8170")
    monkeypatch.setenv("HEALTHTRACK_SITE_URL", "https://errors.example.com/")
    assert env.site_url() == "https://errors.example.com"


@pytest.mark.parametrize("text", ["", "\n"])
def test_a_file_that_was_not_written_whole_says_nothing(data: Path, text: str) -> None:
    runs_at(data, text)
    assert env.site_url() == "http://127.0.0.1:8000"


def test_without_a_data_folder_nothing_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEALTHTRACK_DATA_DIR")
    assert env.site_url() == "http://127.0.0.1:8000"
