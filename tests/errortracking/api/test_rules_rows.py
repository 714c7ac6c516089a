"""What the fast path shows of rules is what their serializers say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from environments.api.viewsets import ProjectViewSet
from errortracking.api.assignment_rules import AssignmentRuleViewSet
from errortracking.api.bypass_rules import BypassRuleViewSet
from errortracking.api.grouping_rules import GroupingRuleViewSet
from errortracking.api.suppression_rules import SuppressionRuleViewSet
from errortracking.models import Fingerprint, Issue
from errortracking.models.rules import Rule
from tests.environments.same import JSON, MOMENT, TEXT, assert_same
from tests.environments.world import World
from tests.errortracking.api.ruling import make_role

PLACE = st.integers(-(2**31), 2**31 - 1)
COMMON = {"filters": JSON.filter(lambda value: value is not None), "order_key": PLACE, "disabled_data": JSON}
WHO = {"who": st.sampled_from(["user", "role", None])}
OWN: dict[type[ProjectViewSet], dict[str, st.SearchStrategy[Any]]] = {
    AssignmentRuleViewSet: WHO,
    GroupingRuleViewSet: WHO | {"description": st.none() | TEXT, "issue": st.none() | st.tuples(st.none() | TEXT)},
    SuppressionRuleViewSet: {"sampling_rate": st.floats(0, 1)},
    BypassRuleViewSet: {},
}


def store(world: World, viewset: type[ProjectViewSet], values: dict[str, Any]) -> None:
    who, issue = values.pop("who", None), values.pop("issue", None)
    named: dict[str | None, dict[str, Any]] = {
        None: {},
        "user": {"user": world.user},
        "role": {"role_id": world.organization.roles.get().pk},
    }
    rule = viewset.model._default_manager.create(environment=world.project, **values, **named[who])
    assert isinstance(rule, Rule)
    if issue is not None:
        made = Issue.objects.create(environment=world.project, name=issue[0])
        Fingerprint.objects.create(
            environment=world.project, issue=made, fingerprint=f"custom-rule:{rule.pk}", first_seen=rule.created_at
        )


@pytest.mark.parametrize("viewset", OWN, ids=lambda viewset: viewset.__name__)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_fast_path_shows_what_the_serializer_says(
    world: World, viewset: type[ProjectViewSet], data: st.DataObject
) -> None:
    if not world.organization.roles.exists():
        make_role(world)
    viewset.model._default_manager.filter(environment_id=world.project.pk).delete()
    values = st.fixed_dictionaries(COMMON | {"created_at": MOMENT} | OWN[viewset])
    for drawn in data.draw(st.lists(values, min_size=1, max_size=4)):
        store(world, viewset, drawn)
    assert_same(viewset, world.project)
