"""A project's rows cannot touch another's: the models, the migration operations and the guard that hold this rule.

In the database the primary key of a project table is (environment_id, id), unique constraints lead with environment_id,
and foreign keys between project tables carry it, so that PostgreSQL itself refuses a row that points into another
project. To Django the primary key stays ``id``.

- ``tenancy.models``: `ProjectModel`, `ProjectForeignKey`, `ProjectOneToOneField`: what a model is written with;
- ``tenancy.operations``: what a migration adds after ``CreateModel``;
- ``tenancy.guard``: refuses SQL that reads or writes a project table without naming environment_id;
- ``tenancy.scoping``: the rule by which it does.
"""
