"""What stands in a release's metadata that others must not see. API and pipeline both show metadata."""

from __future__ import annotations

import re
from typing import Any, Final

# Scheme or nothing; everything up to the last `@` before the path; host and path; query and fragment.
_REMOTE: Final = re.compile(
    r"(?P<scheme>(?:[a-z][a-z0-9+.-]*:)?//)?(?:(?P<user>[^/?#]*)@)?(?P<rest>[^?#]*)", re.IGNORECASE | re.ASCII
)


def without_credentials(metadata: Any) -> Any:
    """Return a release's metadata with user, password, query and fragment cut from ``git.remote_url``.

    Builds clone with tokens in the URL; what events show is seen by more people than may have those. Metadata may be
    any JSON value; what has no such URL is returned as it is.
    """
    git = metadata.get("git") if isinstance(metadata, dict) else None
    url = git.get("remote_url") if isinstance(git, dict) else None
    if not isinstance(git, dict) or not isinstance(url, str):
        return metadata
    return {**metadata, "git": {**git, "remote_url": clean_url(url)}}


def clean_url(remote_url: str) -> str:
    """Return a git remote without user-info, query and fragment, where build machines leave their tokens.

    ``git@host:path`` stays: ssh's form has no place for a password, and without its user it would mean something else.
    ``user:password@host/path`` does not.
    """
    match = _REMOTE.match(remote_url.strip())
    if match is None:  # cannot be: each part may be empty
        return ""
    scheme, user, rest = match["scheme"] or "", match["user"], match["rest"]
    is_ssh = not scheme and user is not None and ":" not in user
    return f"{scheme}{user}@{rest}" if is_ssh else scheme + rest
