"""The recorded requests of real SDKs (``tests/data/wire``), as bytes to be sent again."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WIRE = Path(__file__).resolve().parents[2] / "data" / "wire"

# Set by the client that sends the request, or about the connection it was recorded on.
_OF_THE_CONNECTION = {"host", "connection", "content-length", "accept-encoding", "transfer-encoding"}


@dataclass(frozen=True)
class Recorded:
    """One request as an SDK sent it, and the answer that it was content with."""

    name: str
    method: str
    path: str
    headers: dict[str, str]
    document: Any
    body: bytes
    answered: Any

    def with_token(self, token: str) -> Recorded:
        """Return the request as the same SDK would have sent it to the project with ``token``."""

        def changed(text: bytes) -> bytes:
            return text.replace(b"phc_localtesttoken", token.encode())

        packed = self.body.startswith(b"\x1f\x8b")
        body = gzip.compress(changed(gzip.decompress(self.body))) if packed else changed(self.body)
        headers = {name: changed(value.encode()).decode() for name, value in self.headers.items()}
        path = changed(self.path.encode()).decode()
        document = json.loads(changed(json.dumps(self.document).encode()))  # also where a line of source names it
        return Recorded(self.name, self.method, path, headers, document, body, self.answered)


def requests() -> list[Recorded]:
    """Return all recorded requests: python, node and js, in the order in which they were sent."""
    return [
        _recorded(f"{sdk}-{number}", raw)
        for sdk in ("python", "node", "js")
        for number, raw in enumerate(json.loads((WIRE / f"{sdk}.json").read_bytes())["requests"])
    ]


def _recorded(name: str, raw: dict[str, Any]) -> Recorded:
    document = raw["body"]
    if raw["method"] == "GET":
        body = b""
    elif name.startswith("python"):
        body = json.dumps(document).encode()  # requests and posthog-python write blanks after `,` and `:`
    else:
        body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    for step in reversed(raw["decode_steps"]):
        assert step == "gzip"
        body = gzip.compress(body)
    headers = {key: value for key, value in raw["headers"].items() if key.lower() not in _OF_THE_CONNECTION}
    return Recorded(name, raw["method"], raw["path"], headers, document, body, raw["answered"])
