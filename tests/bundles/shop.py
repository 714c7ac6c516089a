"""The bundles of ``tests/data/bundles``: their scripts and maps, and what their error is in the TypeScript sources."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

DATA: Final = Path(__file__).resolve().parent.parent / "data" / "bundles"

Place = tuple[str, int, str]
"""File, line and function."""

WRITTEN: Final[dict[str, list[Place]]] = {
    "Error": [
        ("shop/main.ts", 15, "<anonymous>"),
        ("shop/checkout.ts", 23, "Till.pay"),
    ],
    "RangeError": [
        ("shop/main.ts", 15, "<anonymous>"),
        ("shop/checkout.ts", 21, "Till.pay"),
        ("shop/checkout.ts", 9, "totalOf"),
        ("shop/checkout.ts", 9, "<anonymous>"),
        ("shop/prices.ts", 10, "priceOf"),
    ],
}
"""The program's own frames of both exceptions, the entry first: read off the sources by eye."""

CONTEXT: Final = {
    "before": [
        {"number": 1, "line": "/** The shop's prices, which are loaded when they are wanted. "
                              "Line numbers of this folder matter to the tests. */"},
        {"number": 2, "line": "const PRICES: ReadonlyMap<string, number> = new Map(["},
        {"number": 3, "line": "  ['tea', 3],"},
        {"number": 4, "line": "  ['cake', 4.5],"},
        {"number": 5, "line": "])"},
        {"number": 6, "line": ""},
        {"number": 7, "line": "export function priceOf(article: string): number {"},
        {"number": 8, "line": "  const price = PRICES.get(article)"},
        {"number": 9, "line": "  if (price === undefined) {"},
    ],
    "line": {"number": 10, "line": "    throw new RangeError(`no price for ${article}`)"},
    "after": [
        {"number": 11, "line": "  }"},
        {"number": 12, "line": "  return price"},
        {"number": 13, "line": "}"},
    ],
}  # fmt: skip
"""The lines around the place that threw, ``shop/prices.ts:10``: all of the file, which has fewer than 15 on a side."""


class Chunk(NamedTuple):
    """A script with its map. ``id`` is empty where none was injected."""

    id: str
    name: str
    script: bytes
    source_map: bytes


@dataclass(frozen=True)
class Bundle:
    """What one build tool made: the names of its files, and what its maps put before the names of the sources."""

    build: str
    prefix: str
    ending: str = ".js"
    modules: bool = True

    @property
    def main(self) -> str:
        """The script that is started."""
        return f"main{self.ending}"

    def folder(self, kind: str) -> Path:
        """Where its files are: ``plain`` as they were made, or with chunk ids ``injected``."""
        return DATA / "made" / self.build / kind

    def chunks(self, kind: str) -> list[Chunk]:
        """All scripts."""
        return [_chunk(path) for path in sorted(self.folder(kind).glob(f"*{self.ending}"))]

    @property
    def written(self) -> dict[str, list[Place]]:
        """`WRITTEN`, with files named as this tool's maps name them."""
        return {
            exception: [(self.prefix + file, line, function) for file, line, function in places]
            for exception, places in WRITTEN.items()
        }


def _chunk(path: Path) -> Chunk:
    script = path.read_bytes()
    found = re.search(rb"\n//# chunkId=(\S+)\n$", script)
    source_map = path.with_name(f"{path.name}.map").read_bytes()
    return Chunk(found[1].decode() if found else "", path.name, script, source_map)


ESBUILD: Final = Bundle("esbuild", "../../../")
ROLLUP: Final = Bundle("rollup", "../../../")
WEBPACK: Final = Bundle("webpack", "webpack://healthtrack-bundles/./", modules=False)
WEBPACK_NODE: Final = Bundle("webpack-node", "webpack://healthtrack-bundles/./", ending=".cjs", modules=False)
ALL: Final = (ESBUILD, ROLLUP, WEBPACK, WEBPACK_NODE)


def places(event: dict[str, Any]) -> dict[str, list[Place]]:
    """Return the program's own frames of an event of the API, as `WRITTEN` has them."""
    return {
        exception["type"]: [
            (shown.get("source"), shown["line"], shown.get("resolved_name"))
            for shown in (frame["contents"] for frame in exception["frames"])
            if shown["in_app"]
        ]
        for exception in event["exceptions"]
    }
