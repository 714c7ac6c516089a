"""Asking for a link by which to set a new password."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.response import Response

from environments import passwords
from environments.api.requests import APIRequest
from environments.api.views import View
from environments.api.viewsets import no_content

_NO_MAIL: Final = (
    "Cannot reset passwords because email is not configured for your instance. Please contact your administrator."
)


class PasswordResetRequestSerializer(serializers.Serializer[Any]):
    """Whose password is to be set anew."""

    email = serializers.EmailField(max_length=254, help_text="The address with which the user logs in.")


class PasswordResetView(View):
    """Sends the link; open to everybody, and the same answer for every address."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="reset_password_create", request=PasswordResetRequestSerializer, responses={204: None}, auth=[]
    )
    def post(self, request: APIRequest, **path: str) -> Response:
        """Send a link by which to set a new password, where a user has the address.

        A server without a mail server answers 400 with the code `email_not_available`; its operator makes links with
        `manage.py passwordlink`.
        """
        given = PasswordResetRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        if not settings.EMAIL_AVAILABLE:
            raise ValidationError(_NO_MAIL, "email_not_available")
        passwords.request_reset(given.validated_data["email"])
        return no_content()
