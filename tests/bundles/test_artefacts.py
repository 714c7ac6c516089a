"""The committed bundles: made by the committed script of the committed sources, and given their ids as the CLI does."""

from __future__ import annotations

import json
import re
import shutil
import uuid
from pathlib import Path

import pytest

from tests.bundles.shop import ALL, DATA, WRITTEN, Bundle
from tests.node import install, run_node

NAMESPACE = uuid.UUID("0e9b3c7a-5d1f-42a8-b6c4-e2d0f8a17593")  # posthog-cli's (pipeline 6.2)
TEXTS = {
    ("shop/main.ts", 15): "      till.pay(order)",
    ("shop/checkout.ts", 23): "      throw new Error(`order ${order.number} was not paid`, { cause: error })",
    ("shop/checkout.ts", 21): "      this.taken += totalOf(order, this.pricing)",
    ("shop/checkout.ts", 9): "  const prices = order.articles.map((article) => priceOf(article.trim()))",
    ("shop/prices.ts", 10): "    throw new RangeError(`no price for ${article}`)",
}
EACH = pytest.mark.parametrize("bundle", ALL, ids=lambda bundle: bundle.build)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_script_makes_the_bundles_that_are_committed(tmp_path: Path) -> None:
    for path in DATA.glob("*.*"):
        shutil.copy(path, tmp_path / path.name)
    shutil.copytree(DATA / "shop", tmp_path / "shop")
    install(DATA, tmp_path)
    run_node(tmp_path, "build.mjs")  # which also holds every map against the sources, with a library of its own
    assert files(tmp_path / "made") == files(DATA / "made")
    assert len(files(DATA / "made")) == 32  # four builds, two scripts and their maps, plain and injected


def test_the_places_that_the_tests_name_are_those_of_the_sources() -> None:
    named = {(file, line) for stack in WRITTEN.values() for file, line, _ in stack}
    assert {place: (DATA / place[0]).read_text().splitlines()[place[1] - 1] for place in named} == TEXTS


@EACH
def test_a_chunks_id_is_made_of_its_script_and_stands_in_the_script_and_in_its_map(bundle: Bundle) -> None:
    plain, injected = bundle.chunks("plain"), bundle.chunks("injected")
    assert [chunk.name for chunk in plain] == [chunk.name for chunk in injected]
    assert len({chunk.id for chunk in injected}) == 2
    for before, after in zip(plain, injected, strict=True):
        assert after.id == str(uuid.uuid5(NAMESPACE, before.script.decode()))
        assert json.loads(after.source_map)["chunk_id"] == after.id
        first, _, rest = after.script.decode().partition("\n")
        assert rest == f"{before.script.decode()}\n//# chunkId={after.id}\n"
        assert re.findall(r"[0-9a-f-]{36}", first) == [after.id]


@EACH
def test_what_is_not_injected_has_no_ids(bundle: Bundle) -> None:
    for chunk in bundle.chunks("plain"):
        assert not chunk.id
        assert b"hunkId" not in chunk.script
        assert b"chunk_id" not in chunk.source_map
