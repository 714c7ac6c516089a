"""The signed addresses of symbol sets' data. Beside the API and not part of it: what is signed needs no key."""

from __future__ import annotations

from django.urls import path

from errortracking.symbols.storage import signing, views

urlpatterns = [
    path(signing.UPLOAD.removeprefix("/"), views.upload),
    path(signing.DOWNLOAD.removeprefix("/"), views.download),
]
