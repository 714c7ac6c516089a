"""Counts of rows are what ``count(*)`` says, after whatever has been done to them (`environments.tenancy.counters`)."""

from __future__ import annotations

import random
from uuid import UUID

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from environments.ids import uuid7
from environments.models import Organization, Project, RowCount
from environments.tenancy import counters, guard, sql
from environments.tenancy.models import ProjectRow
from errortracking.models import (
    ExternalReference,
    Fingerprint,
    FrameContent,
    Issue,
    Release,
    SpikeEvent,
    StackFrame,
    SymbolSet,
)
from healthtrack.models import HealthIssue

COUNTED: list[type[ProjectRow]] = [
    *(ExternalReference, Fingerprint, HealthIssue, Issue, Release, SpikeEvent, StackFrame, SymbolSet),
]
MOMENT = "2026-03-01 12:00:00+00"


@pytest.fixture
def project(db: None) -> Project:
    return make_project()


def make_project() -> Project:
    return Project.objects.create(organization=Organization.objects.create(name="Acme"), name="shop")


def kept(project: Project, model: type[ProjectRow]) -> int:
    """Return the count as lists take it."""
    return int(counters.counted(model, project.pk).get()[0])


def real(project: Project, model: type[ProjectRow]) -> int:
    return model._default_manager.filter(environment_id=project.pk).count()


def assert_exact(*projects: Project) -> None:
    for project in projects:
        assert {model: kept(project, model) for model in COUNTED} == {model: real(project, model) for model in COUNTED}


def slots(project: Project, model: type[ProjectRow] = Issue) -> int:
    return RowCount.objects.filter(environment_id=project.pk, counted=model._meta.db_table).count()


def issues(project: Project, number: int) -> list[Issue]:
    return Issue.objects.bulk_create(Issue(environment=project) for _ in range(number))


# ---- one kind of statement after the other


def test_a_project_without_rows_has_none(project: Project) -> None:
    assert [kept(project, model) for model in COUNTED] == [0] * 8


def test_rows_count_when_they_come_and_when_they_go(project: Project) -> None:
    made = issues(project, 7)
    assert kept(project, Issue) == 7
    made[0].delete()
    assert kept(project, Issue) == 6
    Issue.objects.filter(environment_id=project.pk).delete()
    assert kept(project, Issue) == 0


def test_a_change_of_a_row_changes_nothing(project: Project) -> None:
    issues(project, 3)
    Issue.objects.filter(environment_id=project.pk).update(name="x")
    assert kept(project, Issue) == 3


def test_an_upsert_counts_the_new_rows_only(project: Project) -> None:
    for expected in (2, 3):
        with sql.cursor() as cursor:
            cursor.execute(
                "INSERT INTO errortracking_release (environment_id, id, hash_id, created_at, version, project)"
                " SELECT %s, gen_random_uuid(), 'hash ' || number, %s, '1', 'web' FROM generate_series(1, %s) AS number"
                " ON CONFLICT (environment_id, hash_id) DO UPDATE SET version = '2'",
                [project.pk, MOMENT, expected],
            )
        assert kept(project, Release) == expected


def test_copied_rows_count(project: Project) -> None:
    columns = "environment_id, id, created_at, state_updated_at, status"
    with sql.cursor() as cursor, cursor.copy(f"COPY errortracking_issue ({columns}) FROM STDIN") as copy:
        for _ in range(1_000):
            copy.write_row((project.pk, uuid7(), MOMENT, MOMENT, "active"))
    assert kept(project, Issue) == 1_000


def test_a_cascade_counts(project: Project) -> None:
    first, second = issues(project, 2)
    for issue in (first, first, second):
        SpikeEvent.objects.create(environment=project, issue=issue, computed_baseline=1, current_bucket_value=2)
        Fingerprint.objects.create(environment=project, issue=issue, fingerprint=str(uuid7()), first_seen=MOMENT)
    assert (kept(project, SpikeEvent), kept(project, Fingerprint)) == (3, 3)
    first.delete()
    assert (kept(project, SpikeEvent), kept(project, Fingerprint)) == (1, 1)


def test_setting_null_counts_nothing(project: Project) -> None:
    release = Release.objects.create(environment=project, hash_id="h", version="1", project="web")
    symbols = SymbolSet.objects.create(environment=project, ref="a", release=release)
    content = FrameContent.objects.create(environment=project, hash=b"h", contents={}, resolved=True)
    StackFrame.objects.create(environment=project, raw_id="a", content=content, symbol_set=symbols)
    release.delete()
    assert (kept(project, Release), kept(project, StackFrame), kept(project, SymbolSet)) == (0, 1, 0)
    assert StackFrame.objects.get(environment_id=project.pk).symbol_set_id is None


def test_what_is_rolled_back_does_not_count(project: Project) -> None:
    issues(project, 1)
    with transaction.atomic():
        issues(project, 5)
        assert kept(project, Issue) == 6
        transaction.set_rollback(True)
    assert kept(project, Issue) == 1


def test_a_statement_about_several_projects_counts_for_each(project: Project) -> None:
    other = make_project()
    issues(project, 2)
    issues(other, 3)
    with guard.maintenance("a test"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM errortracking_issue")
    assert (kept(project, Issue), kept(other, Issue)) == (0, 0)


def test_a_deleted_project_leaves_no_counts_behind(project: Project) -> None:
    other = make_project()
    for one in (project, other):
        for issue in issues(one, 3):
            SpikeEvent.objects.create(environment=one, issue=issue, computed_baseline=1, current_bucket_value=2)
    key = project.pk
    project.delete()
    assert not RowCount.objects.filter(environment_id=key).exists()
    assert_exact(other)
    assert kept(other, SpikeEvent) == 3


def test_truncating_a_table_sets_its_counts_to_none(project: Project) -> None:
    for issue in issues(project, 3):
        SpikeEvent.objects.create(environment=project, issue=issue, computed_baseline=1, current_bucket_value=2)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE errortracking_spikeevent")
    assert_exact(project)
    assert kept(project, Issue) == 3


def test_a_recount_sets_right_what_was_written_without_triggers(project: Project) -> None:
    issues(project, 3)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        issues(project, 4)
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert kept(project, Issue) == 3
    counters.recount(Issue)
    assert kept(project, Issue) == 7
    issues(project, 1)
    assert kept(project, Issue) == 8


def test_one_transaction_after_the_other_uses_one_slot(project: Project) -> None:
    for _ in range(5):
        issues(project, 1)
    assert slots(project) == 1


# ---- anything


class Doing:
    """Does random things to the counted tables of two projects, by SQL of all kinds."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.projects = [make_project(), make_project()]

    def step(self) -> None:
        project = self.random.choice(self.projects)
        self.random.choice([self.insert, self.insert, self.delete, self.upsert, self.hang_on, self.undo])(project)

    def some(self, project: Project, model: type[ProjectRow]) -> list[UUID]:
        rows = list(model._default_manager.filter(environment_id=project.pk).values_list("pk", flat=True))
        return self.random.sample(rows, self.random.randint(0, len(rows)))

    def insert(self, project: Project) -> None:
        issues(project, self.random.randint(0, 5))

    def delete(self, project: Project) -> None:
        model = self.random.choice(COUNTED)
        model._default_manager.filter(environment_id=project.pk, pk__in=self.some(project, model)).delete()

    def upsert(self, project: Project) -> None:
        releases = [
            Release(environment=project, hash_id=f"{self.random.randint(0, 9)}", version="1", project="web")
            for _ in range(3)
        ]
        Release.objects.bulk_create(releases, ignore_conflicts=True)
        sets = [SymbolSet(environment=project, ref=f"{self.random.randint(0, 9)}") for _ in range(3)]
        SymbolSet.objects.bulk_create(sets, ignore_conflicts=True)
        found = HealthIssue(environment=project, kind="a", severity="info", unique_hash=f"{self.random.randint(0, 9)}")
        HealthIssue.objects.bulk_create([found], ignore_conflicts=True)

    def hang_on(self, project: Project) -> None:
        for issue in self.some(project, Issue):
            SpikeEvent.objects.create(environment=project, issue_id=issue, computed_baseline=1, current_bucket_value=2)
            Fingerprint.objects.create(environment=project, issue_id=issue, fingerprint=str(uuid7()), first_seen=MOMENT)
            ExternalReference.objects.create(environment=project, issue_id=issue, provider="jira")
            contents = FrameContent.objects.filter(environment_id=project.pk, hash=issue.bytes)
            if self.random.random() < 0.3 and not contents.exists():
                content = FrameContent.objects.create(environment=project, hash=issue.bytes, contents={}, resolved=True)
                StackFrame.objects.create(environment=project, raw_id=str(issue), content=content)
        self.random.choice([lambda: None, FrameContent.objects.filter(environment_id=project.pk).delete])()

    def undo(self, project: Project) -> None:
        with transaction.atomic():
            for _ in range(3):
                self.random.choice([self.insert, self.delete, self.upsert, self.hang_on])(project)
            transaction.set_rollback(True)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_whatever_is_done_the_counts_are_exact(db: None, seed: int) -> None:
    with transaction.atomic():
        doing = Doing(seed)
        for _ in range(15):
            doing.step()
            assert_exact(*doing.projects)
        doing.projects[0].delete()
        assert_exact(doing.projects[1])
        transaction.set_rollback(True)
