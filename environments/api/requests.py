"""The request as the API's views see it: a body that can be looked at before it may be complained about."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, QueryDict
from rest_framework.exceptions import APIException, ParseError
from rest_framework.request import Empty, Request

from environments.api.exceptions import MalformedRequest, RequestTooLarge
from environments.api.parsers import charset_is_known


class APIRequest(Request):
    """A request whose unreadable body is an error only for whoever needs the body.

    Authentication looks for a key in it first, and a malformed body without credentials is a 401. DRF forgets a parse
    error once it was raised and then gives an empty body; this class raises the same error each time.
    """

    _fault: APIException | None = None

    def __init__(self, request: HttpRequest, *arguments: Any, **options: Any) -> None:
        charset = request.encoding
        if charset and not charset_is_known(charset):
            request.encoding = "utf-8"  # the query string too would be decoded with it
            self._fault = ParseError(f'Unsupported charset "{charset}" in request Content-Type header.')
        super().__init__(request, *arguments, **options)

    @property
    def content_type(self) -> str:  # type: ignore[override]
        """The ``Content-Type`` header, or nothing where Django could not read it: DRF could not either."""
        return str(super().content_type) if self._request.content_type else ""

    def _load_data_and_files(self) -> None:
        if self._fault is not None and self.has_body():
            raise self._fault
        try:
            self._check_size()
            super()._load_data_and_files()  # type: ignore[misc]
        except RequestDataTooBig:
            self._fault = RequestTooLarge()
        except SuspiciousOperation:  # more than a thousand fields or files
            self._fault = MalformedRequest("The request has too many fields.")
        except APIException as error:
            self._fault = error
        else:
            return
        self._data = self._files = self._full_data = Empty
        raise self._fault

    def has_body(self) -> bool:
        """Return whether the request announces a body; waitress has counted the chunks of one without a length."""
        return self._content_length() > 0

    def _content_length(self) -> int:
        try:
            return int(self._request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            return 0

    def _check_size(self) -> None:
        # Django counts the fields of a form, not its files, and nobody sends files here.
        if self._content_length() > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestTooLarge

    def peek(self) -> Any:
        """Return the parsed body, an empty one where there is none, ``None`` where it cannot be read."""
        try:
            return self.data
        except APIException:
            return None

    def form(self) -> QueryDict:
        """Return the fields of a form-encoded body (without files), none for another kind of body.

        Raises what is wrong with the body, whatever its kind.
        """
        fields = self.POST if isinstance(self.data, QueryDict) else None
        return fields if isinstance(fields, QueryDict) else QueryDict()
