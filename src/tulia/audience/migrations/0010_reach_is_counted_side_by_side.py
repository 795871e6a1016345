"""How many different beginnings phone numbers have, for the planner.

Reach is counted by these. Without the statistics PostgreSQL expects as many as there are customers, and counts a million
people with one process instead of several.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("audience", "0009_tags_need_no_check_of_their_own")]
    operations = [
        migrations.RunSQL(
            "CREATE STATISTICS customers_by_prefix ON (left(phone, 4)) FROM customers",
            "DROP STATISTICS customers_by_prefix",
        ),
    ]
