"""Deleting a project: it is gone at once, its rows follow in steps, and nothing else is touched."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from environments import deletion
from environments.api import audit
from environments.models import AuditEntry, PersonalAPIKey, Project, User
from environments.tenancy import guard
from tests.environments.world import World, answer, error, stranger, world
from tests.furnishing import furnish
from tests.matrix import stored

__all__ = ["stranger", "world"]
UNKNOWN = error(404, "invalid_request", "not_found", "Project not found.")


def tables() -> list[str]:
    """Every table with a column ``environment_id``, by the catalog; a partitioned one once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attname = "
            "'environment_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT a.attisdropped"
        )
        names = sorted(name for (name,) in cursor.fetchall())
    assert len(names) > 30
    return names


def rows_of(project: Project) -> dict[str, int]:
    """Count the project's rows in each table that has any."""
    found = {}
    with guard.maintenance("a test counts rows"), connection.cursor() as cursor:
        for name in tables():
            cursor.execute(f"SELECT count(*) FROM {name} WHERE environment_id = %s", [project.pk])
            found[name] = cursor.fetchone()[0]
    return {name: count for name, count in found.items() if count}


def fill_the_rest(project: Project) -> None:
    """Put a row into each table that `furnish` leaves empty: whatever its columns want, without references or rules."""
    empty = sorted(set(tables()) - set(rows_of(project)))
    with guard.maintenance("a test fills tables"), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for name in empty:
            cursor.execute("SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass", [name])
            for (rule,) in cursor.fetchall():
                cursor.execute(f'ALTER TABLE {name} DROP CONSTRAINT "{rule}"')
            cursor.execute(
                "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass "
                "AND attnum > 0 AND NOT attisdropped AND attnotnull AND attname <> 'environment_id'",
                [name],
            )
            columns = {f'"{column}"': VALUES.get(kind, "'{}'") for column, kind in cursor.fetchall()}
            names, values = ["environment_id", *columns], [str(project.pk), *columns.values()]
            cursor.execute(f"INSERT INTO {name} ({', '.join(names)}) VALUES ({', '.join(values)})")
        cursor.execute("SET LOCAL session_replication_role = origin")


VALUES = {
    "uuid": "gen_random_uuid()",
    **dict.fromkeys(("smallint", "integer", "bigint", "double precision", "numeric"), "1"),
    "boolean": "false",
    **dict.fromkeys(("text", "character varying"), "'x'"),
    "bytea": r"'\x00'",
    "date": "current_date",
    "timestamp with time zone": "current_timestamp",
}


def delete(world: World) -> None:
    with transaction.atomic():
        deletion.request(world.project)


def test_no_table_of_the_database_holds_a_row_of_it_afterwards(world: World, stranger: World) -> None:
    for place in (world, stranger):
        furnish(place.project, 3)
        fill_the_rest(place.project)
    assert sorted(rows_of(world.project)) == tables()
    other = stored(stranger.project)
    delete(world)
    deletion.delete_project(world.project.pk)
    assert rows_of(world.project) == {"environments_auditentry": 1}
    assert stored(stranger.project) == other
    assert not Project.every.filter(pk=world.project.pk).exists()


def test_it_goes_in_steps(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "STEP", 2)
    furnish(world.project, 5)
    delete(world)
    deletion.delete_project(world.project.pk)
    assert rows_of(world.project) == {}


def test_a_table_comes_before_those_that_it_refers_to(world: World) -> None:
    """Otherwise one statement would take along an unknown number of rows."""
    furnish(world.project)
    order = deletion.tables()
    first = {
        kind: order.index(f"errortracking_{kind}") for kind in ("stackframe", "framecontent", "fingerprint", "issue")
    }
    events = [place for place, name in enumerate(order) if name.startswith("errortracking_event_")]
    assert first["stackframe"] < first["framecontent"]
    assert events
    assert max(events) < first["fingerprint"] < first["issue"]


def test_the_record_of_changes_stays(world: World) -> None:
    actor = audit.Actor(str(world.user.pk), None, None, world.user.email)
    audit.record(audit.Change(actor, world.project.pk, "destroy", "projects", "1", {"name": "Shop"}, None))
    delete(world)
    deletion.delete_project(world.project.pk)
    assert rows_of(world.project) == {"environments_auditentry": 1}
    assert AuditEntry.objects.get(environment_id=world.project.pk).before == {"name": "Shop"}


def test_who_chose_it_at_the_moment_of_the_mark_does_not_keep_it(world: World) -> None:
    """The database would refuse to delete what is somebody's current project, at each try."""
    delete(world)
    User.objects.filter(pk=world.user.pk).update(current_project_id=world.project.pk)
    deletion.delete_project(world.project.pk)
    connection.check_constraints()
    assert User.objects.get(pk=world.user.pk).current_project_id is None
    assert not Project.every.filter(pk=world.project.pk).exists()


def test_a_project_that_nobody_deleted_is_left_alone(world: World) -> None:
    furnish(world.project)
    before = stored(world.project)
    deletion.delete_project(world.project.pk)
    assert stored(world.project) == before


def test_it_may_be_deleted_twice(world: World) -> None:
    delete(world)
    delete(world)
    deletion.delete_project(world.project.pk)
    deletion.delete_project(world.project.pk)
    assert not Project.every.filter(pk=world.project.pk).exists()


def test_what_a_failed_task_left_is_deleted_by_the_daily_one(world: World) -> None:
    furnish(world.project)
    delete(world)
    assert deletion.finish() == 1
    assert rows_of(world.project) == {}
    assert deletion.finish() == 0


def test_the_api_knows_nothing_of_it_at_once(world: World) -> None:
    key, browser = world.api("*"), world.browser()
    delete(world)
    for caller in (key, browser):
        assert answer(caller.get("error_tracking/releases/")) == UNKNOWN
        assert answer(caller.get("/api/projects/@current/error_tracking/releases/")) == UNKNOWN


def test_its_name_is_free_at_once(world: World) -> None:
    delete(world)
    again = Project.objects.create(organization=world.organization, name=world.project.name)
    assert [project.pk for project in Project.objects.filter(organization=world.organization)] == [again.pk]


def test_a_project_that_goes_with_its_organization_leaves_nothing_either(world: World) -> None:
    """The database takes along what refers to it; the queue and the ledger do not."""
    furnish(world.project, 2)
    fill_the_rest(world.project)
    project = Project.objects.get(pk=world.project.pk)
    with guard.maintenance("as in the admin"):
        world.organization.delete()
    [job] = ProcrastinateJob.objects.filter(task_name="environments.delete_project")
    deletion.delete_project(**job.args)
    assert set(rows_of(project)) <= {"environments_auditentry"}


def test_the_admin_marks_it_too(world: World) -> None:
    world.user.is_staff = world.user.is_superuser = True
    world.user.save()
    client = world.browser().client
    address = f"/admin/environments/project/{world.project.pk}/delete/"
    assert client.post(address, {"post": "yes"}).status_code == 302
    assert Project.every.get(pk=world.project.pk).deleted_at is not None
    assert client.get("/admin/environments/project/").content.decode().count(world.project.api_token) == 0
    assert ProcrastinateJob.objects.filter(task_name="environments.delete_project").count() == 1


def test_a_key_limited_to_it_alone_goes_and_other_limits_shrink(world: World, stranger: World) -> None:
    """Without its only limit a key could suddenly reach everything."""
    alone = world.key("*", scoped_teams=[world.project.pk])
    both = world.key("*", scoped_teams=[world.project.pk, stranger.project.pk])
    free = world.key("*")
    delete(world)
    deletion.delete_project(world.project.pk)
    left = {key.pk: key.scoped_teams for key in PersonalAPIKey.objects.filter(user=world.user)}
    assert left == {world.keys[both].pk: [stranger.project.pk], world.keys[free].pk: None}
    assert world.keys[alone].pk not in left
