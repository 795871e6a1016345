from django.db import migrations


class Migration(migrations.Migration):
    """Failed sign-ins by a digest of e-mail and address: no personal data, and read by the sign-in page alone."""

    initial = True
    dependencies = [("tenants", "0001_tables")]
    operations = [
        migrations.RunSQL(
            """
            CREATE TABLE sign_in_tries (
                who text PRIMARY KEY,
                tries integer NOT NULL CHECK (tries > 0),
                last_at timestamptz NOT NULL
            )
            """,
            "DROP TABLE sign_in_tries",
        ),
    ]
