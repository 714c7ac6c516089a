"""One side of `benchmarks/read.py` in a process of its own, behind the web server of the product.

python benchmarks/read_serve.py plain|product|bare DESCRIPTOR-OF-A-LISTENING-SOCKET
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config.connections import WEB_THREADS
from runtime.server import Server

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
"""Of the plain side: what ``django-admin startproject`` writes."""


def load(side: str) -> Any:
    """Return the WSGI application of a side."""
    if side == "product":
        from config.wsgi import application as product

        return product
    if side == "bare":
        from benchmarks.read_bare import application as bare

        return bare
    return _plain()


def _plain() -> Any:
    import django
    from django.conf import settings

    settings.MIDDLEWARE = MIDDLEWARE
    settings.ROOT_URLCONF = "benchmarks.read_plain"
    settings.REST_FRAMEWORK = {}  # before anything of DRF is imported
    django.setup()
    from django.core.handlers.wsgi import WSGIHandler

    return WSGIHandler()


if __name__ == "__main__":
    Server(load(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])), WEB_THREADS).run()
