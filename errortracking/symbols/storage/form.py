"""Takes the file of an upload out of its form while the form is read, and straight to where it is kept."""

from __future__ import annotations

from collections.abc import Callable

from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

PART = "file"


class _Two(Exception):
    """The form has two files of that name."""


class _IntoStorage(FileUploadHandler):
    """Passes each bit of the part `PART` on; what else is uploaded along is not looked at."""

    def __init__(self, request: HttpRequest, take: Callable[[bytes], None]) -> None:
        super().__init__(request)
        self.has_come = False
        self._take = take

    def new_file(self, *arguments: object, **options: object) -> None:
        """Begin with a part."""
        super().new_file(*arguments, **options)  # type: ignore[arg-type]
        if self.field_name != PART:
            raise SkipFile
        if self.has_come:
            raise _Two
        self.has_come = True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Pass on what comes next."""
        self._take(raw_data)

    def file_complete(self, file_size: int) -> None:
        """Return nothing: the request keeps no file."""


def pass_file_on(request: HttpRequest, take: Callable[[bytes], None]) -> bool:
    """Read the form of ``request`` and give ``take`` its file bit by bit; return whether there was exactly one.

    Raises what ``take`` raises, and what Django raises of forms that cannot be read.
    """
    if request.content_type != "multipart/form-data":
        return False
    handler = _IntoStorage(request, take)
    request.upload_handlers = [handler]
    try:
        request.FILES  # noqa: B018 - reads the form
    except _Two:
        return False
    return handler.has_come
