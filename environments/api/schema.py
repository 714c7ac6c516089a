"""The OpenAPI description: operation ids, tags, parameters and scopes as clients know them (decision table)."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from rest_framework import serializers

_ENVIRONMENTS = "environments"
_PROJECTS = "projects"
_HEALTH = "health_issues"

_PARAMETERS = {
    "environment_id": "Deprecated. Use /api/projects/{project_id}/ instead.",
    "project_id": "The project's integer id, or `@current` for the current project of the key's user.",
    "id": "The object's id, a UUID. A malformed one is answered like an unknown one: 404.",
    "hash_id": "The release's `hash_id`.",
    "organization_id": "The organization's id, or `@current` for that of your current project.",
    "user_uuid": "The member's user id, or `@me`.",
    "uuid": "Your own user id, or `@me`.",
}

_WAIT: Final = {
    "Retry-After": {"schema": {"type": "integer"}, "description": "How many seconds to wait before asking again."}
}
_ERRORS: Final[dict[str, dict[str, Any]]] = {
    "400": {"description": "The request cannot be read, or a value in it is wrong: `attr` names it."},
    "401": {"description": "No credentials, or wrong ones."},
    "403": {"description": "The key lacks the scope or is limited to other projects, or its user is no member."},
    "404": {"description": "No such project, or no such object in it."},
    "406": {"description": "The `Accept` header leaves JSON out."},
    "429": {"description": "Too many requests with the key.", "headers": _WAIT},
    "503": {"description": "The database is away.", "headers": _WAIT},
}
"""What every operation may answer instead of what it is for."""

_WRITE_ERRORS: Final[dict[str, dict[str, Any]]] = {
    "409": {"description": "Another change forbids it, or came first."},
    "413": {"description": "The body exceeds 20 MB, or 1,200,000 JSON values."},
    "415": {"description": "The body is neither JSON nor a form."},
}
"""And those that may have a body."""

_REQUEST_ID: Final = {
    "in": "header",
    "name": "X-Request-ID",
    "schema": {"type": "string", "maxLength": 64},
    "description": "A name for the request, which the answer repeats and the server's log shows. By default a new one.",
}
"""Described for what changes something, where it is worth to find a request again. It also keeps openapi-python-client
0.29 to code that can be imported: for a required body of several media types it names a type that it only imports where
another argument is optional."""

_FORMS: Final = {"application/x-www-form-urlencoded": "Form", "multipart/form-data": "Multipart"}
"""Media type of a body → what the name of its schema ends with."""


class ErrorSerializer(serializers.Serializer[Any]):
    """What every error answers."""

    type = serializers.CharField(
        help_text="authentication_error, invalid_request, server_error, throttled_error or validation_error."
    )
    code = serializers.CharField(help_text="A word for programs, such as `required` or `not_found`.")
    detail = serializers.CharField(help_text="A sentence for people. It may quote the request: untrusted.")
    attr = serializers.CharField(
        allow_null=True,
        help_text="The field or parameter that is wrong; nested names are joined with `__`. "
        "It may be the request's own word: untrusted.",
    )


class ShortErrorSerializer(serializers.Serializer[Any]):
    """An error of which, for one reason, only the sentence is sent; for all others it is as usual."""

    detail = serializers.CharField(help_text="A sentence for people. It may quote the request: untrusted.")
    type = serializers.CharField(required=False, help_text="As in every other error; absent where only `detail` is.")
    code = serializers.CharField(required=False, help_text="As in every other error; absent where only `detail` is.")
    attr = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="As in every other error; absent where only `detail` is.",
    )


def _component(registry: ComponentRegistry, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Give a schema a name of its own, once, and return the reference to it."""
    component = ResolvedComponent(  # type: ignore[no-untyped-call]
        name=name, type=ResolvedComponent.SCHEMA, object=name, schema=schema
    )
    registry.register_on_missing(component)
    return dict(component.ref)


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
        # Two paths may give one name (`issues/activity/` and `issues/{id}/activity/`); then the view has another word.
        view: Any = self.view
        name = name.replace(*getattr(view, "operation_words", {}).get(view.action, ("", "")))
        dropped = _ENVIRONMENTS if _HEALTH in self._places() else _PROJECTS
        return name.removeprefix(dropped + "_") if self._places()[1:] else name

    def get_tags(self) -> list[str]:
        """Return the product that the endpoint belongs to."""
        places = self._places()
        return (places[1:2] if places[0] in {_ENVIRONMENTS, _PROJECTS} else []) or places[:1]

    def get_paginated_name(self, serializer_name: str) -> str:
        """Return what the answer of a list is called; the pagination knows whether that is a page."""
        view: Any = self.view
        described_as: str = view.pagination_class.described_as
        return described_as.format(serializer_name)

    def is_deprecated(self) -> bool:
        """Return what the documentation says: the older prefix is deprecated, except for health issues."""
        places = self._places()
        return places[:1] == [_ENVIRONMENTS] and _HEALTH not in places

    def _resolve_path_parameters(self, variables: list[str]) -> list[dict[str, Any]]:
        """Return the parameters of the path, all of them texts: a malformed one is an unknown one."""
        texts = {**_PARAMETERS, **getattr(self.view, "parameter_texts", {})}
        return [
            {
                "in": "path",
                "name": name,
                "schema": {"type": "string"},
                "required": True,
                **({"description": texts[name]} if name in texts else {}),
            }
            for name in variables
        ]

    def _get_parameters(self) -> list[dict[str, Any]]:
        """Return the parameters. A schema with a title becomes a component: one type for all that have it.

        Without that, generators make a type of each operation's parameter, with the operation's name in its own.
        """
        parameters: list[dict[str, Any]] = super()._get_parameters()
        if self.method != "GET":
            parameters.append(dict(_REQUEST_ID))
        for parameter in parameters:
            if "title" in parameter["schema"]:
                schema = {key: value for key, value in parameter["schema"].items() if key not in {"title", "default"}}
                reference = _component(self.registry, parameter["schema"]["title"], schema)
                default = {key: parameter["schema"][key] for key in ("default",) if key in parameter["schema"]}
                parameter["schema"] = {"allOf": [reference], **default} if default else reference
        return parameters

    def _get_request_body(self, direction: Any = "request") -> dict[str, Any] | None:
        """Return the body's schema by media type, each under a name of its own.

        Clients in typed languages choose the encoding by the type of the body. Of one type for all media types,
        openapi-python-client makes a request that is JSON, form and multipart at once.
        """
        body: dict[str, Any] | None = super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        for media_type, content in (body or {"content": {}})["content"].items():
            name = content["schema"].get("$ref", "").rpartition("/")[2]
            if name and media_type in _FORMS:
                same = self.registry[name, ResolvedComponent.SCHEMA].schema
                content["schema"] = _component(self.registry, name + _FORMS[media_type], dict(same))
        return body

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        """Return what the endpoint answers, and the errors that every endpoint may answer."""
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        reference = self.resolve_serializer(ErrorSerializer, "response").ref
        content = {"content": {"application/json": {"schema": reference}}}
        errors = _ERRORS if self.method == "GET" else _ERRORS | _WRITE_ERRORS
        for status, error in errors.items():
            bodies.setdefault(status, {**content, **error})
        return bodies


class Generator(SchemaGenerator):
    """Makes the description once for each process: it costs a tenth of a second and anybody may ask for it."""

    _made: dict[str, Any] | None = None

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:
        """Return the description."""
        if not public:
            return dict(super().get_schema(request, public))  # type: ignore[no-untyped-call]
        if Generator._made is None:
            self.api_version = None  # what is kept for everybody is not for the first visitor to name
            Generator._made = _deprecated_last(super().get_schema(request, public))  # type: ignore[no-untyped-call]
        return Generator._made


def _deprecated_last(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the description with what is deprecated at its end: the pages would begin with nothing else."""
    paths = sorted(
        schema["paths"].items(), key=lambda path: all(operation.get("deprecated") for operation in path[1].values())
    )
    return {**schema, "paths": dict(paths)}


class ObjectFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describes free JSON: one type for all such fields, where generators would make one of each."""

    target_class = "environments.api.fields.ObjectField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the reference to the type."""
        schema = {"type": "object", "additionalProperties": True, "description": "Any JSON object."}
        return _component(auto_schema.registry, "JSONObject", schema)


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
