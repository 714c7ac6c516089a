"""A backup holds the data of symbol sets, piece by piece."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.live import LiveServer
from tests.runtime.restoring import backup, contents, empty, installation

__all__ = ["empty"]

STORE = """
from errortracking.symbols import records
records.store({project}, "chunk", (bytes([number]) * 300_000 for number in range(5)))
"""
READ = """
import hashlib
from errortracking.models import SymbolSet
from errortracking.symbols.storage import storage
row = SymbolSet.objects.get(environment_id={project}, ref="chunk")
print(hashlib.sha512(b"".join(storage().read({project}, row.storage_ptr))).hexdigest())
"""


def test_what_was_stored_before_a_backup_is_there_after_the_restore(empty: LiveServer, tmp_path: Path) -> None:
    with installation() as server:
        project = server.bootstrap()["environment_id"]
        server.manage("shell", "--no-imports", "-c", STORE.format(project=project))
        assert len(contents(server)["public.errortracking_symbolchunk"]) == 3
        path = backup(server, tmp_path)
    empty.manage("restore", str(path))
    digest = hashlib.sha512(b"".join(bytes([number]) * 300_000 for number in range(5))).hexdigest()
    said = empty.manage("shell", "--no-imports", "-c", READ.format(project=project)).stdout
    assert said == f"{digest}\n"
