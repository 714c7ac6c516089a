"""The queue in three partitions that are truncated in turn (``errortracking.models.slots``)."""

from django.db import migrations, models

import errortracking.models.slots
from errortracking.models.slots import SLOTS

# What waits is kept: the rows of the old table are those of accepted requests. As in 0002: payloads are compressed
# already, a lease rewrites a row in its page, dead rows go by their number.
FORWARDS = """
    ALTER TABLE errortracking_queuedrequest RENAME TO errortracking_queuedrequest_before;
    CREATE TABLE errortracking_queuedrequest (LIKE errortracking_queuedrequest_before INCLUDING ALL EXCLUDING INDEXES)
        PARTITION BY LIST (slot);
    {partitions}
    INSERT INTO errortracking_queuedrequest SELECT * FROM errortracking_queuedrequest_before;
    DROP TABLE errortracking_queuedrequest_before;
    ALTER TABLE errortracking_queuedrequest
        ADD CONSTRAINT errortracking_queuedrequest_pkey PRIMARY KEY (environment_id, id, slot)
"""
PARTITION = """
    CREATE TABLE errortracking_queuedrequest_{slot} PARTITION OF errortracking_queuedrequest FOR VALUES IN ({slot})
    WITH (
        fillfactor = 70,
        autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_threshold = 2000,
        toast.autovacuum_vacuum_scale_factor = 0,
        toast.autovacuum_vacuum_threshold = 5000
    );
"""
BACKWARDS = """
    ALTER TABLE errortracking_queuedrequest RENAME TO errortracking_queuedrequest_slots;
    CREATE TABLE errortracking_queuedrequest (LIKE errortracking_queuedrequest_slots INCLUDING ALL EXCLUDING INDEXES);
    INSERT INTO errortracking_queuedrequest SELECT * FROM errortracking_queuedrequest_slots;
    DROP TABLE errortracking_queuedrequest_slots;
    ALTER TABLE errortracking_queuedrequest
        ADD CONSTRAINT errortracking_queuedrequest_pkey PRIMARY KEY (environment_id, id)
"""


class Migration(migrations.Migration):
    dependencies = [("errortracking", "0004_spike_counts")]

    operations = [
        migrations.AddField(
            "queuedrequest", "slot", models.SmallIntegerField(default=errortracking.models.slots.current)
        ),
        migrations.RunSQL(
            FORWARDS.format(partitions="".join(PARTITION.format(slot=slot) for slot in range(SLOTS))), BACKWARDS
        ),
    ]
