"""What is said of an SDK's age: the payload of a finding (pipeline 5.4). Pure."""

from __future__ import annotations

from typing import Any, Final

from environments import clock
from healthtrack.checks.base import Payload
from healthtrack.checks.sdk_age import NAMES, Assessment, Judged, alert_share

MAX_SHOWN: Final = 50  # versions in a payload; a project may use thousands


def payload(found: Assessment) -> Payload:
    """Return the payload about an SDK that needs an update."""
    return {
        "sdk_name": found.sdk,
        "latest_version": _latest(found),
        "current_version": found.newest.text,
        "reason": _reason(found),
        "banners": [_banner(found.sdk, one) for one in found.much_used],
        "is_outdated": found.is_outdated,
        "is_old": found.is_old,
        "usage": [_usage(found, one) for one in found.versions[:MAX_SHOWN]],
    }


def _latest(found: Assessment) -> str:
    return ".".join(str(part) for part in found.releases.latest)


def _reason(found: Assessment) -> str:
    newest = found.newest
    if newest.is_outdated or newest.is_old:
        text = f"The newest version in use, {newest.text}, is {newest.days} days old, and {_latest(found)} is out."
    else:
        text = f"The newest version in use is {newest.text}."
    share = alert_share(found.sdk)
    others = [one.text for one in found.much_used if one is not newest]
    if others and share:
        versions = ", ".join(others)
        text += f" Outdated, and yet {share:.0%} of its events or more each: {versions}."
    return text


def _banner(sdk: str, judged: Judged) -> str:
    share = alert_share(sdk) or 0
    name = NAMES.get(sdk, sdk)
    return f"Version {judged.text} of the {name} SDK sent {share:.0%} or more of its events in the last 7 days."


def _usage(found: Assessment, judged: Judged) -> dict[str, Any]:
    known = found.releases.days.get(judged.version) if judged.version else None
    return {
        "lib_version": judged.text,
        "count": judged.used.events,
        "max_timestamp": clock.iso(judged.used.last_seen),
        "release_date": known.isoformat() if known else None,
        "is_latest": judged.version == found.releases.latest,
        "is_outdated": judged.is_outdated,
        "status_reason": _status(found, judged),
    }


def _status(found: Assessment, judged: Judged) -> str:
    if judged.version is None:
        return "The version cannot be read."
    if judged.version >= found.releases.latest:
        return "The latest version."
    if judged.is_outdated:
        return f"Released {judged.days} days ago: upgrade."
    return f"Released {judged.days} days ago: an upgrade is not urgent."
