"""Filters of rules in a request and in the OpenAPI description: PostHog's groups of property filters."""

from __future__ import annotations

import json
from typing import Any, Final

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework import serializers

from environments.api import inputs
from environments.api.exceptions import FieldError
from errortracking.rules import limits
from errortracking.rules.filters import FilterError, compile_filters
from errortracking.rules.operators import OPERATORS
from errortracking.rules.subject import EVENT, ISSUE

MAX_FILTERS: Final = 256 * 1024
"""Characters of one rule's filters as JSON in ASCII: the texts that they may hold, and many numbers and brackets."""

LOGICAL: Final = ("AND", "OR")
KINDS: Final = (EVENT,)
ISSUE_KINDS: Final = (EVENT, ISSUE)

GROUP: Final = "PropertyGroupFilterValue"
LEAF: Final = "EventPropertyFilter"
ISSUE_GROUP: Final = "AssignmentPropertyGroupFilterValue"
ISSUE_LEAF: Final = "AssignmentPropertyFilter"


def _leaf(kinds: tuple[str, ...]) -> dict[str, Any]:
    scalars = [{"type": "string", "maxLength": limits.MAX_VALUE}, {"type": "number"}, {"type": "boolean"}]
    several = {"type": "array", "items": {"anyOf": scalars}, "minItems": 1, "maxItems": limits.MAX_VALUES}
    return {
        "type": "object",
        "description": "One condition: a property, an operator, and what to compare with.",
        "required": ["key"],
        "additionalProperties": False,
        "properties": {
            "key": {
                "type": "string",
                "minLength": 1,
                "maxLength": limits.MAX_KEY,
                "description": "The property, such as `$exception_types`. Of a list one item that matches is enough.",
            },
            "operator": {
                "type": "string",
                "enum": list(OPERATORS),
                "default": "exact",
                "description": "How to compare. Regular expressions are RE2's; `in` and `not_in` take a list.",
            },
            "value": {
                "nullable": True,
                "description": "What to compare with; of a list one is enough. `is_set` and `is_not_set` need none.",
                "anyOf": [*scalars, several],
            },
            "type": {
                "type": "string",
                "enum": list(kinds),
                "default": EVENT,
                "description": "Whose property: the event's"
                + (", or the issue's (`name`, `description`, `status`)." if ISSUE in kinds else "."),
            },
            "label": {
                "type": "string",
                "nullable": True,
                "maxLength": limits.MAX_KEY,
                "description": "For editors: it is kept and not read.",
            },
        },
    }


def _group(name: str, leaf: str) -> dict[str, Any]:
    members = [{"$ref": f"#/components/schemas/{member}"} for member in (name, leaf)]
    return {
        "type": "object",
        "description": (
            f"Conditions and groups of them, at most {limits.MAX_DEPTH} deep and of {limits.MAX_LEAVES} conditions."
        ),
        "required": ["type", "values"],
        "additionalProperties": False,
        "properties": {
            "type": {
                "type": "string",
                "enum": list(LOGICAL),
                "description": "Whether all must match, or any.",
            },
            "values": {"type": "array", "items": {"anyOf": members}, "description": "What must match."},
        },
    }


SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    LEAF: _leaf(KINDS),
    GROUP: _group(GROUP, LEAF),
    ISSUE_LEAF: _leaf(ISSUE_KINDS),
    ISSUE_GROUP: _group(ISSUE_GROUP, ISSUE_LEAF),
}


class FiltersField(serializers.JSONField):
    """The filters of a rule, checked as a whole; what is wrong is named by its place (``filters__values__0__key``).

    Filters that say nothing match nothing, so a rule with them is refused: whoever sent it meant something else.
    ``issue`` tells that conditions on the issue may stand there.
    """

    default_error_messages = {
        "invalid": "Expected a JSON object.",
        "max_length": f"Ensure this field has no more than {MAX_FILTERS} characters.",
        "empty": "Filters must contain at least one filter value. For all exceptions: $exception_types with is_set.",
    }

    def __init__(self, *, issue: bool = False, **options: Any) -> None:
        self.issue = issue
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        """Return ``data`` where it is a group of filters that can be stored, compiled and run at a bounded cost."""
        if not isinstance(data, dict):
            self.fail("invalid")
        try:
            predicate = compile_filters(data, issue=self.issue)
        except FilterError as error:
            detail: Any = [error.message]
            for place in reversed(error.path):
                detail = {_name(place): detail}
            raise serializers.ValidationError(detail) from error
        if predicate.says_nothing:
            self.fail("empty")
        try:
            inputs.json_field(
                "filters", data
            )  # what no condition reads, such as the value of `is_set`, is stored as well
        except FieldError as error:
            problem: Any = error.detail
            raise serializers.ValidationError(problem["filters"]) from error
        if len(json.dumps(data)) > MAX_FILTERS:
            self.fail("max_length")
        return data


def _name(place: str | int) -> str:
    """Return a place as ``attr`` shows it: the name of an unknown part may be whatever the client wrote."""
    text = str(place)
    return text if len(text) <= limits.MAX_KEY and not inputs.text_problem(text) else "?"


class FiltersDescription(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describes filters by name: the description of a group refers to itself."""

    target_class = FiltersField

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Return the reference to the group's schema."""
        for name, schema in SCHEMAS.items():
            component = ResolvedComponent(  # type: ignore[no-untyped-call]
                name=name, type=ResolvedComponent.SCHEMA, object=name, schema=schema
            )
            auto_schema.registry.register_on_missing(component)
        return {"$ref": f"#/components/schemas/{ISSUE_GROUP if self.target.issue else GROUP}"}
