"""The WSGI application that web processes serve."""

from __future__ import annotations

import os

import django
from django.core.exceptions import ImproperlyConfigured
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

if not (os.environ.get("HEALTHTRACK_SECRET_KEY") or os.environ.get("HEALTHTRACK_SECRET_KEY_FILE")):
    # Each process would sign with a key of its own, and a session would be known to one of them only.
    raise ImproperlyConfigured(
        "Set HEALTHTRACK_SECRET_KEY (or HEALTHTRACK_SECRET_KEY_FILE) to the same value for every web process."
    )

django.setup(set_prefix=False)

from runtime.wsgi import Application  # noqa: E402 - it knows models

application = Application()
get_resolver().url_patterns  # noqa: B018 - loads every view now, and not while the first visitor waits
