from django.db import migrations


class Migration(migrations.Migration):
    """Buckets of tokens by who asks (a tenant, or a digest of an address): no personal data, and worth nothing after a
    crash, so it isn't written ahead."""

    dependencies = [("tenants", "0007_words_and_replies_of_opting_out")]
    operations = [
        migrations.RunSQL(
            """
            CREATE TABLE request_buckets (
                who text PRIMARY KEY,
                tokens double precision NOT NULL CHECK (tokens >= 0),
                at timestamptz NOT NULL
            ) WITH (fillfactor = 50);
            ALTER TABLE request_buckets SET UNLOGGED
            """,
            "DROP TABLE request_buckets",
        ),
    ]
