"""What the four kinds of rules have in common (contract 10): their list, one of them, writes, and their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max
from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from environments import clock
from environments.api import inputs
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.viewsets import Listed, Retrieved, no_content
from environments.models import Membership, Project, Role
from errortracking.api.rules_fields import assignee
from errortracking.api.rules_order import ErrorTrackingRuleReorderRequestSerializer, orders_in, unknown
from errortracking.api.rules_preview import PREVIEWS, ErrorTrackingRulePreviewSerializer, RulePreview
from errortracking.api.single_row import LARGEST

MAX_RULES: Final = 100
"""Rules of one kind in one project. Each exception may be compared with all of them, each batch of a worker reads them,
and a list of them is one page. People order rules by hand; who needs more wants fewer rules with OR in them."""

_JSON: Final = "application/json"


class RuleViewSet(Listed, Retrieved, RulePreview):
    """Rules of one kind. A subclass names the model and, by `described`, what is shown and what is sent."""

    scope_object = "error_tracking"
    scopes = {
        "list": "error_tracking:read",
        "retrieve": "error_tracking:read",
        "create": "error_tracking:write",
        "update": "error_tracking:write",
        "partial_update": "error_tracking:write",
        "destroy": "error_tracking:write",
        "reorder": "error_tracking:write",
        "preview": "error_tracking:read",  # a POST only because it has a body: it changes nothing
    }
    ordering = ("order_key", "id")

    creating: ClassVar[type[serializers.Serializer[Any]]]
    """What a new rule may be given."""
    changing: ClassVar[type[serializers.Serializer[Any]]]
    """What may be changed of one."""
    audited: ClassVar[tuple[str, ...]] = ("filters", "order_key", "disabled_data")
    """The columns whose changes are recorded; an assignee is recorded as it is shown."""

    def create(self, request: APIRequest, **path: str) -> HttpResponse:
        """Create a rule, at the end unless `order_key` says otherwise."""
        columns = self._columns(self.creating, request)
        with transaction.atomic():
            columns.setdefault("order_key", self._last_place())
            rule = self.model(**self.own(**columns))
            rule.save(force_insert=True)
            self.audit(rule.pk, None, self._audited(rule))
        return json_response(self.one(id=rule.pk), status=201)

    def update(self, request: APIRequest, id: str, **path: str) -> Response:
        """Change a rule and switch it on, if it was off. Fields that are absent keep their value."""
        columns = self._columns(self.changing, request)
        key = inputs.uuid_in_path(id)
        with transaction.atomic():
            rule = self._locked(key)
            before = self._audited(rule)
            for name, value in (columns | {"disabled_data": None}).items():
                setattr(rule, name, value)
            if self._audited(rule) != before:
                rule.save(update_fields=[*columns, "disabled_data"])
                self.audit(key, before, self._audited(rule))
        return no_content()

    def partial_update(self, request: APIRequest, id: str, **path: str) -> Response:
        """Change a rule; the same as PUT."""
        return self.update(request, id, **path)

    def destroy(self, request: APIRequest, id: str, **path: str) -> Response:
        """Delete a rule. What it has done to exceptions and issues stays."""
        key = inputs.uuid_in_path(id)
        with transaction.atomic():
            rule = self._locked(key)
            rule.delete()
            self.audit(key, self._audited(rule), None)
        return no_content()

    @extend_schema(request={_JSON: ErrorTrackingRuleReorderRequestSerializer}, responses={204: None})
    @action(detail=False, methods=["patch"])
    def reorder(self, request: APIRequest, **path: str) -> Response:
        """Give several rules new places: all of them, or none if one is unknown."""
        orders = orders_in(inputs.body(request), MAX_RULES)
        with transaction.atomic():
            # In the order of their ids, as whoever else locks several of them: so nobody waits in a circle.
            found = self.get_queryset().select_for_update().filter(pk__in=orders).order_by("pk")
            rules = {rule.pk: rule for rule in found}
            if absent := [key for key in orders if key not in rules]:
                raise unknown(absent[0])
            self._move([rule for key, rule in rules.items() if rule.order_key != orders[key]], orders)
        return no_content()

    def _move(self, rules: list[Any], orders: Mapping[UUID, int]) -> None:
        """Write the places of ``rules``, which differ, in one statement, and record each."""
        now = clock.now()
        for rule in rules:
            self.audit(rule.pk, {"order_key": rule.order_key}, {"order_key": orders[rule.pk]})
            rule.order_key, rule.updated_at = orders[rule.pk], now
        self.get_queryset().bulk_update(rules, ["order_key", "updated_at"])

    def _columns(self, kind: type[serializers.Serializer[Any]], request: APIRequest) -> dict[str, Any]:
        """Return the columns that the body sets; raise a 400 that names what is wrong with it."""
        checked = kind(data=inputs.body(request))
        checked.is_valid(raise_exception=True)
        columns: dict[str, Any] = dict(checked.validated_data)
        if "assignee" in columns:
            columns |= self._person(columns.pop("assignee"))
        return columns

    def _person(self, named: Mapping[str, Any] | None) -> dict[str, UUID | None]:
        """Return the columns of an assignee, who must belong to the project's organization."""
        columns: dict[str, UUID | None] = {"user_id": None, "role_id": None}
        if named is None:
            return columns
        kind, key = named["type"], named["id"]
        of_organization = {"organization_id": self.project.organization_id}
        if kind == "user":
            known = Membership.objects.filter(user_id=key, **of_organization).exists()
        else:
            known = Role.objects.filter(pk=key, **of_organization).exists()
        if not known:
            text = f"Assignee {kind} does not belong to this organization."
            raise ValidationError({"assignee": {"id": [text]}})
        return columns | {f"{kind}_id": key}

    def _last_place(self) -> int:
        """Return the place of a new rule; raise a 400 where the project has as many as it may have.

        Others who make rules wait for this transaction, so that neither the bound is passed nor a place given twice.
        """
        if not Project.objects.select_for_update(no_key=True).filter(pk=self.project.pk).exists():
            raise Http404  # the project is gone
        known = self.get_queryset().aggregate(count=Count("pk"), last=Max("order_key"))
        if known["count"] >= MAX_RULES:
            raise ValidationError(f"A project has at most {MAX_RULES} rules of a kind.", "too_many_rules")
        return 0 if known["last"] is None else min(known["last"] + 1, LARGEST)

    def _locked(self, key: UUID) -> Any:
        rule = self.get_queryset().select_for_update().filter(pk=key).first()
        if rule is None:
            raise Http404
        return rule

    def _audited(self, rule: Any) -> dict[str, Any]:
        values = {name: getattr(rule, name) for name in self.audited}
        return values | ({"assignee": assignee(rule)} if hasattr(rule, "role_id") else {})


def described(
    kind: str,
    shown: type[serializers.Serializer[Any]],
    creating: type[serializers.Serializer[Any]],
    changing: type[serializers.Serializer[Any]],
) -> Any:
    """Return the decorator that describes the operations of a kind of rules, which is called ``kind`` in one word.

    Bodies are described as JSON only: a form has no objects, which filters are.
    """
    change = extend_schema(request={_JSON: changing}, responses={204: None})
    return extend_schema_view(
        list=extend_schema(description=f"Return the project's {kind} rules in the order in which they are tried."),
        retrieve=extend_schema(description=f"Return one {kind} rule; 404 for an unknown or malformed id."),
        create=extend_schema(request={_JSON: creating}, responses={201: shown}),
        update=change,
        partial_update=change,
        preview=extend_schema(request={_JSON: PREVIEWS[kind]}, responses={200: ErrorTrackingRulePreviewSerializer}),
    )
