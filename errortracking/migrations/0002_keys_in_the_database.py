"""Keys that carry the project, references that stay inside it, partitions (``environments.tenancy``)."""

from django.db import migrations

from environments.tenancy.operations import PartitionedTable, ProjectReference, ProjectTable
from errortracking.models.events import LEDGER_PARTITIONS

TABLES = [
    "AssignmentRule",
    "BypassRule",
    "ErrorTrackingSettings",
    "EventCount",
    "ExternalReference",
    "FrameContent",
    "GroupingRule",
    "Issue",
    "IssueAssignment",
    "IssueCohort",
    "OutcomeCount",
    "Recommendation",
    "Release",
    "SetAsideEvent",
    "SpikeDetectionConfig",
    "SpikeEvent",
    "SuppressionRule",
    "SymbolSet",
]
# These hang on a table of the list above, so they go with the project anyway; a second reference would only cost time.
FOLLOWERS = ["Fingerprint", "FingerprintStatistics", "IssueStatistics", "StackFrame"]

REFERENCES = [
    ("Fingerprint", "issue", "CASCADE"),
    ("FingerprintStatistics", "fingerprint", "CASCADE"),
    ("FingerprintUser", "fingerprint", "CASCADE"),
    ("IssueStatistics", "issue", "CASCADE"),
    ("IssueAssignment", "issue", "CASCADE"),
    ("IssueCohort", "issue", "CASCADE"),
    ("ExternalReference", "issue", "CASCADE"),
    ("SpikeEvent", "issue", "CASCADE"),
    ("SymbolSet", "release", "CASCADE"),
    ("StackFrame", "content", "CASCADE"),
    ("StackFrame", "symbol_set", "SET NULL"),
    ("Event", "fingerprint", "CASCADE"),
]

LEDGER_TABLES = ";".join(
    f"CREATE TABLE errortracking_eventledger_{number} PARTITION OF errortracking_eventledger "
    f"FOR VALUES WITH (MODULUS {LEDGER_PARTITIONS}, REMAINDER {number})"
    for number in range(LEDGER_PARTITIONS)
)
DROP_LEDGER_TABLES = ";".join(
    f"DROP TABLE errortracking_eventledger_{number}" for number in range(LEDGER_PARTITIONS)
)

# Payloads are compressed already; PostgreSQL must not try again (EXTERNAL). A lease rewrites a queue row's small part in
# place where its page has room (fillfactor), and a queue wants its dead rows gone by their number, not by a share of a
# table that is mostly empty.
STORAGE = """
    ALTER TABLE errortracking_event ALTER COLUMN payload SET STORAGE EXTERNAL;
    ALTER TABLE errortracking_setasideevent ALTER COLUMN payload SET STORAGE EXTERNAL;
    ALTER TABLE errortracking_queuedrequest ALTER COLUMN payload SET STORAGE EXTERNAL;
    ALTER TABLE errortracking_queuedrequest SET (
        fillfactor = 70,
        autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_threshold = 2000,
        toast.autovacuum_vacuum_scale_factor = 0,
        toast.autovacuum_vacuum_threshold = 5000
    )
"""


class Migration(migrations.Migration):
    dependencies = [("errortracking", "0001_initial"), ("environments", "0001_initial")]

    operations = [
        PartitionedTable("Event", "RANGE (received_at)", ("environment_id", "id", "received_at")),
        PartitionedTable("EventLedger", "HASH (uuid)", ("environment_id", "uuid")),
        migrations.RunSQL(LEDGER_TABLES, DROP_LEDGER_TABLES),
        *(ProjectTable(name) for name in TABLES),
        *(ProjectTable(name, on_project_delete=None) for name in [*FOLLOWERS, "QueuedRequest"]),
        *(ProjectReference(model, field, on_delete) for model, field, on_delete in REFERENCES),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
