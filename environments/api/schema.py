"""The OpenAPI description: operation ids, tags, parameters and scopes as clients know them (decision table)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

_ENVIRONMENTS = "environments"
_PROJECTS = "projects"
_HEALTH = "health_issues"

_PARAMETERS = {
    "environment_id": "Deprecated. Use /api/projects/{project_id}/ instead.",
    "project_id": "The project's integer id, or `@current` for the current project of the key's user.",
}


class ErrorSerializer(serializers.Serializer[Any]):
    """What every error answers."""

    type = serializers.CharField(
        help_text="authentication_error, invalid_request, server_error, throttled_error or validation_error."
    )
    code = serializers.CharField(help_text="A word for programs, such as `required` or `not_found`.")
    detail = serializers.CharField(help_text="A sentence for people. It may quote the request.")
    attr = serializers.CharField(
        allow_null=True, help_text="The field or parameter that is wrong; nested names are joined with `__`."
    )


class Schema(AutoSchema):
    """How an endpoint is described. Names come from the path, so that no endpoint has to repeat them."""

    def _places(self) -> list[str]:
        """Return the constant parts of the path below ``/api``: environments, error_tracking, releases, …"""
        return [part for part in self.path.split("/")[2:] if part and not part.startswith("{")]

    def get_operation_id(self) -> str:
        """Return the id. Of the two twins the documented one (under environments) carries the upstream name.

        Upstream has no ``environments_`` before health issues, so there the other twin says ``projects_``.
        """
        name = str(super().get_operation_id())
        dropped = _ENVIRONMENTS if _HEALTH in self._places() else _PROJECTS
        return name.removeprefix(dropped + "_")

    def get_tags(self) -> list[str]:
        """Return the product that the endpoint belongs to."""
        places = self._places()
        return places[1:2] or places[:1]

    def is_deprecated(self) -> bool:
        """Return what the documentation says: the older prefix is deprecated, except for health issues."""
        places = self._places()
        return places[:1] == [_ENVIRONMENTS] and _HEALTH not in places

    def _resolve_path_parameters(self, variables: list[str]) -> list[dict[str, Any]]:
        """Return the parameters of the path, all of them texts: a malformed one is an unknown one."""
        return [
            {
                "in": "path",
                "name": name,
                "schema": {"type": "string"},
                "required": True,
                **({"description": _PARAMETERS[name]} if name in _PARAMETERS else {}),
            }
            for name in variables
        ]

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        """Return what the endpoint answers, and the errors that every endpoint may answer."""
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        reference = self.resolve_serializer(ErrorSerializer, "response").ref
        content = {"content": {"application/json": {"schema": reference}}}
        errors = {
            "401": "No credentials, or wrong ones.",
            "403": "The key's scope or limits, or no member.",
            "404": "Not found.",
            "429": "Too many requests with the key; `Retry-After` holds the seconds to wait.",
        }
        if self.method not in {"GET", "DELETE"}:
            errors["400"] = "The request is wrong; `attr` names the field."
        for status, description in errors.items():
            bodies.setdefault(status, {**content, "description": description})
        return bodies


class Generator(SchemaGenerator):
    """Makes the description once for each process: it costs a tenth of a second and anybody may ask for it."""

    _made: dict[str, Any] | None = None

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:
        """Return the description."""
        if not public:
            return dict(super().get_schema(request, public))  # type: ignore[no-untyped-call]
        if Generator._made is None:
            Generator._made = super().get_schema(request, public)  # type: ignore[no-untyped-call]
        return Generator._made


class PersonalAPIKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes the key, and for each operation the scope that it needs."""

    target_class = "environments.api.authentication.PersonalAPIKeyAuthentication"
    name = "PersonalAPIKeyAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme."""
        return {"type": "http", "scheme": "bearer"}

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        """Return the scope of the operation."""
        scope = auto_schema.view.required_scope()
        return {self.name: [scope] if scope else []}
