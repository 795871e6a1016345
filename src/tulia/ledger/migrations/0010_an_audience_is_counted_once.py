"""Rows that are new and to whom nothing has happened yet, as those of a frozen audience, change the tallies alone.

For a million of them the three other sums took one of the trigger's two seconds to find nothing.
"""

import importlib

from django.db import migrations

_counted = importlib.import_module("tulia.ledger.migrations.0009_counted_as_it_happens")
AS_BEFORE = _counted._note("ledger_note_new", _counted.NEW).replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
_tallies, _rest = AS_BEFORE.split("    INSERT INTO ledger_minute_differences", 1)
_others, _unsettled = _rest.split("    INSERT INTO ledger_unsettled", 1)
LOOKS_FIRST = f"""{_tallies}
    IF EXISTS (
        SELECT FROM new_rows n
        WHERE COALESCE(n.accepted_at, n.delivered_at, n.read_at, n.replied_at, n.converted_at, n.failed_at, n.turn_at)
              IS NOT NULL
    ) THEN
    INSERT INTO ledger_minute_differences{_others}
    END IF;
    INSERT INTO ledger_unsettled{_unsettled}"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0009_counted_as_it_happens")]
    operations = [migrations.RunSQL(LOOKS_FIRST, AS_BEFORE)]
