from django.db import migrations

# Only a table's owner may ANALYZE it (before PostgreSQL 17), and the application owns nothing: this function does it
# for the application, and nothing else.
FUNCTION = """
CREATE FUNCTION tulia_refresh_statistics(tables text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY tables LOOP
        IF name IN ('customers', 'customer_tags', 'orders', 'bookings', 'conversations', 'ledger_recipients') THEN
            EXECUTE format('ANALYZE %I', name);
        END IF;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION tulia_refresh_statistics(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tulia_refresh_statistics(text[]) TO tulia_app;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_isolation"), ("audience", "0002_isolation")]
    operations = [migrations.RunSQL(FUNCTION, "DROP FUNCTION tulia_refresh_statistics(text[])")]
