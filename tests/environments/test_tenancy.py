"""A project's rows cannot touch another's: what PostgreSQL refuses, whatever the code above it does."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from environments.models import Organization, Project
from environments.tenancy.models import ProjectForeignKey, ProjectOneToOneField, ProjectRow
from errortracking.models import (
    EventLedger,
    Fingerprint,
    FingerprintUser,
    FrameContent,
    Issue,
    IssueStatistics,
    Release,
    SpikeDetectionConfig,
    StackFrame,
    SymbolSet,
)

pytestmark = pytest.mark.django_db

PROJECT_MODELS = [model for model in apps.get_models() if issubclass(model, ProjectRow)]
# Tables that a reference to the project would slow down or that never outlive their rows' horizon; see the models.
WITHOUT_A_PROJECT_REFERENCE = {
    "environments_auditentry",
    "errortracking_queuedrequest",
    "errortracking_eventledger",
    "errortracking_spikecount",
}


@pytest.fixture
def projects() -> tuple[Project, Project]:
    organization = Organization.objects.create(name="Acme")
    return (
        Project.objects.create(organization=organization, name="mine"),
        Project.objects.create(organization=organization, name="theirs"),
    )


def rows(statement: str, *parameters: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def key_columns(table: str, kind: str) -> list[list[str]]:
    """Return the columns of each primary key (``p``) or unique index of a table, in their order."""
    found = rows(
        """
        SELECT array_agg(attname::text ORDER BY place)
        FROM pg_index, unnest(indkey::int2[]) WITH ORDINALITY AS part(number, place), pg_attribute
        WHERE pg_index.indrelid = %s::regclass AND attrelid = indrelid AND attnum = number
          AND CASE WHEN %s = 'p' THEN indisprimary ELSE indisunique END
        GROUP BY indexrelid
        """,
        table,
        kind,
    )
    return [columns for (columns,) in found]


def test_there_are_project_models() -> None:
    assert len(PROJECT_MODELS) >= 25


@pytest.mark.parametrize("model", PROJECT_MODELS, ids=lambda model: model._meta.label)
def test_the_primary_key_leads_with_the_project(model: type[ProjectRow]) -> None:
    [primary] = key_columns(model._meta.db_table, "p")
    assert primary[0] == "environment_id"


@pytest.mark.parametrize("model", PROJECT_MODELS, ids=lambda model: model._meta.label)
def test_every_unique_index_leads_with_the_project(model: type[ProjectRow]) -> None:
    assert all(columns[0] == "environment_id" for columns in key_columns(model._meta.db_table, "u"))


@pytest.mark.parametrize("model", PROJECT_MODELS, ids=lambda model: model._meta.label)
def test_every_relation_within_a_project_is_a_constraint_that_carries_the_project(
    model: type[ProjectRow],
) -> None:
    relations = [field for field in model._meta.fields if isinstance(field, ProjectForeignKey | ProjectOneToOneField)]
    constraints = dict(
        rows(
            "SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = 'f' AND conrelid = %s::regclass",
            model._meta.db_table,
        )
    )
    for field in relations:
        target = field.remote_field.model._meta
        definition = constraints[f"{model._meta.db_table}_{field.name}_fk"]
        assert definition.startswith(
            f"FOREIGN KEY (environment_id, {field.column}) "
            f"REFERENCES {target.db_table}(environment_id, {target.pk.column}) ON DELETE "
        )


@pytest.mark.parametrize("model", PROJECT_MODELS, ids=lambda model: model._meta.label)
def test_every_table_is_tied_to_the_project_itself_or_through_another(model: type[ProjectRow]) -> None:
    targets = {
        target
        for (target,) in rows(
            "SELECT confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass",
            model._meta.db_table,
        )
    }
    tied = "environments_project" in targets or any(name.startswith("errortracking_") for name in targets)
    assert tied is (model._meta.db_table not in WITHOUT_A_PROJECT_REFERENCE)


def test_a_row_cannot_point_into_another_project(projects: tuple[Project, Project]) -> None:
    mine, theirs = projects
    release = Release.objects.create(environment=theirs, hash_id="h", version="1", project="web")
    with pytest.raises(IntegrityError), transaction.atomic():
        SymbolSet.objects.create(environment=mine, ref="chunk", release_id=release.id)
    assert not SymbolSet.objects.filter(environment_id=mine.id).exists()


def test_a_row_cannot_be_moved_to_another_project(projects: tuple[Project, Project]) -> None:
    mine, theirs = projects
    release = Release.objects.create(environment=mine, hash_id="h", version="1", project="web")
    SymbolSet.objects.create(environment=mine, ref="chunk", release=release)
    with pytest.raises(IntegrityError), transaction.atomic():
        Release.objects.filter(environment_id=mine.id, id=release.id).update(environment_id=theirs.id)


def test_two_projects_may_hold_the_same_id_and_the_same_names(projects: tuple[Project, Project]) -> None:
    mine, theirs = projects
    first = Release.objects.create(environment=mine, hash_id="h", version="1", project="web")
    twin = Release.objects.create(id=first.id, environment=theirs, hash_id="h", version="2", project="web")
    first.version = "3"
    first.save()
    assert list(Release.objects.filter(environment_id=theirs.id).values_list("version", flat=True)) == ["2"]
    twin.delete()
    first.refresh_from_db()
    assert first.version == "3"


def test_deleting_a_symbol_set_keeps_its_frames_and_their_project(projects: tuple[Project, Project]) -> None:
    mine, _ = projects
    content = FrameContent.objects.create(environment=mine, hash=b"1" * 32, contents={}, resolved=True)
    symbols = SymbolSet.objects.create(environment=mine, ref="chunk")
    frame = StackFrame.objects.create(environment=mine, raw_id="r", content=content, symbol_set=symbols)
    symbols.delete()
    frame.refresh_from_db()
    assert (frame.environment_id, frame.symbol_set_id) == (mine.id, None)


def test_deleting_a_release_deletes_its_symbol_sets(projects: tuple[Project, Project]) -> None:
    mine, _ = projects
    release = Release.objects.create(environment=mine, hash_id="h", version="1", project="web")
    SymbolSet.objects.create(environment=mine, ref="bound", release=release)
    SymbolSet.objects.create(environment=mine, ref="free")
    release.delete()
    assert list(SymbolSet.objects.filter(environment_id=mine.id).values_list("ref", flat=True)) == ["free"]


def test_deleting_a_project_deletes_what_belongs_to_it_and_nothing_else(
    projects: tuple[Project, Project],
) -> None:
    mine, theirs = projects
    for project in projects:
        issue = Issue.objects.create(environment=project, name="TypeError")
        fingerprint = Fingerprint.objects.create(
            environment=project, issue=issue, fingerprint="f", kind="v2", first_seen=timezone.now()
        )
        FingerprintUser.objects.create(environment=project, fingerprint=fingerprint, user_key=issue.id)
        IssueStatistics.objects.create(
            environment=project, issue=issue, first_seen=timezone.now(), last_seen=timezone.now()
        )
        SpikeDetectionConfig.objects.create(environment=project)
    gone = mine.id
    mine.delete()
    for model in (Issue, Fingerprint, FingerprintUser, IssueStatistics, SpikeDetectionConfig):
        assert model.objects.filter(environment_id=gone).count() == 0, model
        assert model.objects.filter(environment_id=theirs.id).count() == 1, model


def test_a_relation_joins_and_loads_within_the_project(projects: tuple[Project, Project]) -> None:
    mine, theirs = projects
    release = Release.objects.create(environment=mine, hash_id="h", version="1", project="web")
    Release.objects.create(id=release.id, environment=theirs, hash_id="h", version="2", project="web")
    SymbolSet.objects.create(environment=mine, ref="chunk", release=release)
    scoped = SymbolSet.objects.filter(environment_id=mine.id)
    assert scoped.select_related("release").get().release.version == "1"
    assert scoped.get().release.version == "1"
    assert scoped.filter(release__version="1").count() == 1
    assert scoped.filter(release__version="2").count() == 0


def test_the_ledger_is_keyed_by_project_and_uuid(projects: tuple[Project, Project]) -> None:
    mine, theirs = projects
    uuid = Release(environment=mine).id
    for project in projects:
        EventLedger.objects.create(environment=project, uuid=uuid, received_at=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        EventLedger.objects.create(environment=mine, uuid=uuid, received_at=timezone.now())
    assert EventLedger.objects.filter(environment_id=theirs.id).count() == 1
