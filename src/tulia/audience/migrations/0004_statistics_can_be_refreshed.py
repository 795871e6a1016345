from django.db import migrations

# Only a table's owner may ANALYZE it, and the application owns nothing.
_CREATE = """
CREATE FUNCTION refresh_audience_statistics(kind text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET default_statistics_target = 30 SET lock_timeout = '2s' AS $$
BEGIN
    CASE kind
        WHEN 'customers' THEN ANALYZE customers (tenant_id, id, phone, external_id), customer_tags;
        WHEN 'orders' THEN ANALYZE orders;
        WHEN 'bookings' THEN ANALYZE bookings;
        WHEN 'messages' THEN ANALYZE conversations, messages (tenant_id, conversation_id);
    END CASE;
EXCEPTION WHEN lock_not_available THEN
    NULL; -- somebody else is at it
END
$$;
REVOKE ALL ON FUNCTION refresh_audience_statistics(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION refresh_audience_statistics(text) TO tulia_app;
"""


class Migration(migrations.Migration):
    dependencies = [("audience", "0003_orders_grouped_by_customer")]
    operations = [migrations.RunSQL(_CREATE, "DROP FUNCTION refresh_audience_statistics(text)")]
