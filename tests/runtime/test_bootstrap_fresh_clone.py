"""``manage.py`` from nothing to a running command: a copy of the project with one package of its own and real pip."""

from __future__ import annotations

import ast
import base64
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import venv
import zipfile
from pathlib import Path

import pytest

from runtime.bootstrap.places import CHECKOUT

# The interpreter below the one that runs the tests: outside of any virtual environment.
BASE_PYTHON = os.path.join(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")

ENTRY = """
import sys
import tinything

def run(argv):
    print(tinything.VALUE, sys.prefix, *argv[1:])
    return 7 if "fail" in argv else 0
"""


def wheel(folder: Path) -> str:
    """Write a wheel of a package ``tinything`` and return its hash."""
    path = folder / "tinything-1.0-py3-none-any.whl"
    files = {
        "tinything.py": "VALUE = 42\n",
        "tinything-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tinything\nVersion: 1.0\n",
        "tinything-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(text)}\n"
    files["tinything-1.0.dist-info/RECORD"] = record + "tinything-1.0.dist-info/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Copy:
    """A fresh clone, as far as the bootstrap goes."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "my checkout"  # with a space: such folders exist
        self.checkout.mkdir()
        shutil.copy(CHECKOUT / "manage.py", self.checkout)
        shutil.copytree(CHECKOUT / "runtime" / "bootstrap", self.checkout / "runtime" / "bootstrap")
        (self.checkout / "runtime" / "__init__.py").touch()
        (self.checkout / "runtime" / "entry.py").write_text(ENTRY)
        wheels = folder / "wheels"
        wheels.mkdir()
        self.lock(wheel(wheels))
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "SSL_CERT_FILE") if name in os.environ}
        self.environment = {**kept, "HOME": str(folder), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
        self.venv = self.checkout / ".venv"

    def lock(self, digest: str) -> None:
        (self.checkout / "requirements").mkdir(exist_ok=True)
        for name in ("runtime", "dev"):
            text = f"tinything==1.0 \\\n    --hash=sha256:{digest}\n"
            (self.checkout / "requirements" / f"{name}.txt").write_text(text)

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [BASE_PYTHON, "manage.py", *words],
            cwd=self.checkout,
            env={**self.environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, **variables: str) -> tuple[int, str, str]:
        process = self.start(*words, **variables)
        out, err = process.communicate()
        return process.returncode, out, err


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_a_fresh_clone_makes_its_environment_once_and_runs_the_command_in_it(copy: Copy) -> None:
    code, out, err = copy.run("shout", "--loud", "two words")
    assert (code, out) == (0, f"42 {copy.venv} shout --loud two words\n")
    assert "creating it" in err
    assert "installing up to 1 packages (requirements/runtime.txt)" in err
    assert copy.run("shout") == (0, f"42 {copy.venv} shout\n", "")
    assert copy.run("fail")[0] == 7, "the command's exit code is ours"


def test_an_empty_home_variable_and_no_variable_both_work(copy: Copy) -> None:
    assert copy.run("shout", HOME="")[0] == 0
    del copy.environment["HOME"]
    shutil.rmtree(copy.venv)
    assert copy.run("shout")[0] == 0


def test_the_callers_python_variables_do_not_lead_pip_elsewhere(copy: Copy, tmp_path: Path) -> None:
    code, _, err = copy.run("shout", PYTHONPATH=str(tmp_path), PIP_TARGET=str(tmp_path / "elsewhere"), PIP_USER="1")
    assert code == 0, err
    assert not (tmp_path / "elsewhere").exists()


def test_several_at_once_make_one_environment(copy: Copy) -> None:
    processes = [copy.start("shout") for _ in range(3)]
    results = [(*process.communicate(), process.returncode) for process in processes]
    assert [(out, code) for out, _, code in results] == [(f"42 {copy.venv} shout\n", 0)] * 3
    assert sum("the environment is ready" in err for _, err, _ in results) == 1


def test_killed_at_any_moment_it_can_simply_be_run_again(copy: Copy) -> None:
    moments = random.Random(11)
    for _ in range(6):
        process = copy.start("shout")
        time.sleep(moments.uniform(0.02, 0.9))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert copy.run("shout")[:2] == (0, f"42 {copy.venv} shout\n")
    assert copy.run("shout") == (0, f"42 {copy.venv} shout\n", "")


def test_an_index_that_does_not_answer_is_said_so(copy: Copy) -> None:
    without_wheels = {**copy.environment, "PIP_FIND_LINKS": "", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}
    del without_wheels["PIP_NO_INDEX"]
    before, copy.environment = copy.environment, without_wheels
    code, out, err = copy.run("shout", PIP_INDEX_URL="http://127.0.0.1:9/simple")
    assert (code, out) == (1, "")
    assert "pip could not get the packages from its index. Check the network" in err
    assert "Traceback" not in err
    copy.environment = before
    assert copy.run("shout")[0] == 0, "the next run heals"


def test_a_package_that_is_not_the_locked_one_is_refused(copy: Copy) -> None:
    copy.lock("0" * 64)
    code, _, err = copy.run("shout")
    assert code == 1
    assert "A downloaded file is not the one that was locked" in err


def refusal(command: list[str], path: str) -> str:
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(("words", "lock"), [(["check"], "runtime.txt"), (["test"], "dev.txt")])
def test_an_own_environment_that_lacks_the_packages_is_named(tmp_path: Path, words: list[str], lock: str) -> None:
    venv.create(tmp_path / "mine", symlinks=True)
    text = refusal([str(tmp_path / "mine" / "bin" / "python"), "manage.py", *words], os.environ["PATH"])
    assert f"is missing in the Python environment in use ({tmp_path / 'mine'})" in text
    assert f"or install requirements/{lock} into it" in text


PRETEND = """
import runpy, sys
sys.version_info = (3, 8, 18)
sys.argv = ["manage.py", "up"]
runpy.run_path("manage.py", run_name="__main__")
"""


def test_an_older_python_is_told_which_one_is_needed(tmp_path: Path) -> None:
    text = refusal([sys.executable, "-c", PRETEND], str(tmp_path))
    assert text.startswith("Healthtrack needs Python 3.11 or newer; this is Python 3.8.18 (")
    assert text.endswith("Install one, then run: python3.11 manage.py up\n")


def test_a_newer_python_on_the_path_is_named_if_it_runs(tmp_path: Path) -> None:
    for name, code in (("python3.14", 1), ("python3.13", 0), ("python3.12", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {code}\n")
        (tmp_path / name).chmod(0o755)
    text = refusal([sys.executable, "-c", PRETEND], str(tmp_path))
    assert text.endswith("This machine has one: python3.13 manage.py up\n")


def test_the_file_parses_under_python_2() -> None:
    """No Python 2 is at hand everywhere, so what it could not read is looked for."""
    source = (CHECKOUT / "manage.py").read_text(encoding="ascii")
    tree = ast.parse(source, feature_version=(3, 4))
    too_new = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Starred, ast.AsyncFunctionDef, ast.Nonlocal)
    assert [node for node in ast.walk(tree) if isinstance(node, too_new)] == []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None
            assert node.args.kwonlyargs == []
            assert [argument.annotation for argument in node.args.args if argument.annotation] == []
        assert not (isinstance(node, ast.Name) and node.id == "print")
