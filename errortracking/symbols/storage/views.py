"""What the signed addresses of `DatabaseStorage` lead to."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from functools import wraps
from typing import IO, Final, NamedTuple

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from environments.api import errors
from errortracking.models import SymbolSet
from errortracking.symbols.storage import LARGEST_BYTES, Missing, TooLarge, form, signing
from errortracking.symbols.storage.database import DatabaseStorage

_IN_MEMORY: Final = 1024 * 1024  # what is larger waits in a temporary file


class _Refusal(NamedTuple):
    status: int
    kind: str
    code: str
    detail: str
    attr: str | None = None


class _Refused(Exception):
    def __init__(self, refusal: _Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


_EXPIRED: Final = _Refusal(403, "authentication_error", "permission_denied", "The address has expired.")
_INVALID: Final = _Refusal(403, "authentication_error", "permission_denied", "The address is not valid.")
_GONE: Final = _Refusal(404, "invalid_request", "not_found", "Not found.")
_DONE: Final = _Refusal(409, "invalid_request", "conflict", "The upload has been finished. Start another one.")
_NO_FILE: Final = _Refusal(400, "validation_error", "required", f"One part `{form.PART}` is expected.", form.PART)
_UNREADABLE: Final = _Refusal(400, "invalid_request", "bad_request", "The request cannot be read.")
_TOO_LARGE: Final = _Refusal(
    413, "validation_error", "file_too_large", f"The file is larger than {LARGEST_BYTES // 1024 // 1024} MB.", form.PART
)

_View = Callable[[HttpRequest, signing.Grant], HttpResponseBase]


def _signed(path: str, methods: Iterable[str]) -> Callable[[_View], Callable[[HttpRequest], HttpResponseBase]]:
    """Make a view of a signed address: no log-in, no CSRF, errors in the API's shape (contract 1.4)."""
    allowed = list(methods)

    def decorate(view: _View) -> Callable[[HttpRequest], HttpResponseBase]:
        @csrf_exempt
        @wraps(view)
        def answer(request: HttpRequest) -> HttpResponseBase:
            try:
                if request.method not in allowed:
                    text = f'Method "{request.method}" not allowed.'
                    raise _Refused(_Refusal(405, "invalid_request", "method_not_allowed", text))
                return view(request, _grant(path, request))
            except _Refused as refused:
                status, kind, code, detail, attr = refused.refusal
                headers = {"Allow": ", ".join(allowed)} if status == 405 else None
                return JsonResponse(errors.body(kind, code, detail, attr), status=status, headers=headers)

        return answer

    return decorate


def _grant(path: str, request: HttpRequest) -> signing.Grant:
    try:
        return signing.check(path, request.GET.get(signing.PARAMETER, ""))
    except signing.Expired:
        raise _Refused(_EXPIRED) from None
    except (signing.Invalid, SuspiciousOperation):
        raise _Refused(_INVALID) from None


@_signed(signing.UPLOAD, ["POST"])
def upload(request: HttpRequest, grant: signing.Grant) -> HttpResponse:
    """Store the part ``file`` of a multipart form; 204. What was uploaded to the key before is replaced."""
    try:
        with transaction.atomic():
            # First: of two uploads to one key the second begins when the first has ended.
            if not _hold_pending(grant):
                return HttpResponse(status=204)
            with DatabaseStorage().writing(grant.environment_id, grant.key) as writer:
                if not form.pass_file_on(request, writer.add):
                    raise _Refused(_NO_FILE)
    except (TooLarge, RequestDataTooBig):
        raise _Refused(_TOO_LARGE) from None
    except (MultiPartParserError, SuspiciousOperation, UnreadablePostError):
        raise _Refused(_UNREADABLE) from None
    return HttpResponse(status=204)


def _hold_pending(grant: signing.Grant) -> bool:
    """Keep the set that waits for this upload as it is until the transaction ends: who finishes or deletes it waits.

    Returns False where it waits no more, because somebody who began the same upload (`upload_rules.shares_key`) has
    finished it: the data is there.
    """
    waiting = SymbolSet.objects.select_for_update(no_key=True).filter(
        environment_id=grant.environment_id, storage_ptr=grant.key
    )
    symbol_set = waiting.first()
    if symbol_set is None:
        raise _Refused(_GONE)
    if symbol_set.content_hash is not None and not symbol_set.begun_hash:
        raise _Refused(_DONE)
    return symbol_set.content_hash is None


@_signed(signing.DOWNLOAD, ["GET", "HEAD"])
def download(request: HttpRequest, grant: signing.Grant) -> HttpResponseBase:
    """Answer with the data.

    By way of a file, which the web server sends by itself: a thread that wrote the pieces would have to wait for the
    client between them, and a few slow clients would hold all threads.
    """
    try:
        pieces = DatabaseStorage().read(grant.environment_id, grant.key)
        file = _spooled(pieces if request.method == "GET" else ())
        size = DatabaseStorage().size(grant.environment_id, grant.key)
    except Missing:
        raise _Refused(_GONE) from None
    name = grant.key.rpartition("/")[2]
    response = FileResponse(file, as_attachment=True, filename=name, content_type="application/octet-stream")
    response["Content-Length"] = str(size)
    response["Cache-Control"] = "no-store"
    return response


def _spooled(pieces: Iterable[bytes]) -> IO[bytes]:
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - the response closes it
    try:
        for piece in pieces:
            file.write(piece)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file
