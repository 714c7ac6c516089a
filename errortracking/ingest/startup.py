"""The smallest good answers to what SDKs ask for when they start."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import orjson

# What posthog-js needs to report exceptions and to do nothing else. `hasFeatureFlags: false` spares the flags call.
CONFIG: Final[dict[str, Any]] = {
    "hasFeatureFlags": False,
    "supportedCompression": ["gzip", "gzip-js"],
    "autocaptureExceptions": True,
    "errorTracking": {"autocaptureExceptions": True, "suppressionRules": []},
    "sessionRecording": False,
    "surveys": False,
    "heatmaps": False,
    "capturePerformance": False,
    "siteApps": [],
    "toolbarParams": {},
    "isAuthenticated": False,
    "autocapture_opt_out": False,
    "elementsChainAsString": True,
}

EXCEPTION_AUTOCAPTURE: Final = Path(__file__).with_name("exception_autocapture.js").read_bytes()
"""The script by which posthog-js learns of exceptions that nobody catches, unless it was built with its own. It is
written here: the SDK's own is another project's code, and fetching it would make pages depend on a foreign host."""


def config_script(token: str) -> bytes:
    """Return the configuration as the script that posthog-js tries first; ``token`` is quoted, it came in a URL."""
    key = orjson.dumps(token).replace(b"<", b"\\u003c")
    return (
        b"(function(){var all=window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{};"
        b"all[%s]={config:%s,siteApps:[]}})();\n" % (key, orjson.dumps(CONFIG))
    )


def flags() -> dict[str, Any]:
    """Return the answer to a question for feature flags: there are none, and nothing went wrong."""
    return {
        "flags": {},
        "errorsWhileComputingFlags": False,
        "requestId": str(uuid4()),
        "quotaLimited": [],
    }


def decide() -> dict[str, Any]:
    """Return the answer of ``/decide``, which SDKs before ``/flags`` ask; the same in the older words."""
    return {
        **CONFIG,
        "config": {"enable_collect_everything": True},
        "featureFlags": {},
        "featureFlagPayloads": {},
        **flags(),
    }
