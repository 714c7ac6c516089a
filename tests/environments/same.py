"""Holds the fast read path equal to the serializer that describes it; each room does so for its own resources.

@given(...)
def test_…(world, values):
    ... store rows made of `TEXT`, `JSON`, `MOMENT` ...
    assert_same(ReleaseViewSet, world.project)
"""

from __future__ import annotations

import json
from datetime import UTC

from hypothesis import strategies as st
from rest_framework.renderers import JSONRenderer

from environments.api.renderers import dumps
from environments.api.viewsets import ProjectViewSet
from environments.models import Project

# What PostgreSQL can hold: no NUL, no lone surrogates.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(TEXT, children, max_size=3),
    max_leaves=10,
)
MOMENT = st.datetimes(timezones=st.just(UTC))


def assert_same(viewset: type[ProjectViewSet], project: Project, *related: str) -> None:
    """Compare what DRF itself would answer for the project's rows with what the fast path answers."""
    rows = viewset.model._default_manager.filter(environment_id=project.pk)
    expressions = getattr(viewset.serializer_class, "expressions", {})
    computed = {name: value for name, value in expressions.items() if not hasattr(viewset.model, name)}
    in_order = rows.select_related(*related).annotate(**computed).order_by(*viewset.ordering)
    expected = json.loads(JSONRenderer().render(viewset.serializer_class(in_order, many=True).data))
    assert expected
    assert json.loads(dumps(viewset.reader.all(rows, 1_000))) == expected
