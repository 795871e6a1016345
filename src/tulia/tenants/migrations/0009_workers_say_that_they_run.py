from django.db import migrations

READ_BY_WHO_WATCHES = ("ledger_tallies", "ledger_minutes")


def _readable(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE POLICY system_reads ON {table} FOR SELECT USING (current_setting('tulia.system', true) = 'on')",
        f"DROP POLICY system_reads ON {table}",
    )


class Migration(migrations.Migration):
    """Which worker processes run, as they say themselves: worth nothing after a crash, so it isn't written ahead.

    And the ledger's sums, which have nobody in them, may be read across tenants by whoever watches the installation.
    """

    dependencies = [("tenants", "0008_how_often_somebody_asks"), ("ledger", "0009_counted_as_it_happens")]
    operations = [
        migrations.RunSQL(
            """
            CREATE TABLE running_workers (
                worker_id uuid PRIMARY KEY,
                machine varchar(200) NOT NULL,
                process_id int NOT NULL,
                version varchar(40) NOT NULL,
                sender_count int NOT NULL,
                started_at timestamptz NOT NULL DEFAULT now(),
                ticked_at timestamptz NOT NULL DEFAULT now()
            ) WITH (fillfactor = 50);
            ALTER TABLE running_workers SET UNLOGGED
            """,
            "DROP TABLE running_workers",
        ),
        *[_readable(table) for table in READ_BY_WHO_WATCHES],
    ]
