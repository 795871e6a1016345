"""The table of campaigns, as it was asked for."""

from __future__ import annotations

from tulia.core import sql

COLUMNS = {
    "id": "uuid", "tenant_id": "uuid", "name": "character varying(255)", "description": "text", "message_content": "text",
    "template_id": "uuid", "target_criteria": "jsonb", "is_ab_test": "boolean", "variants": "jsonb",
    "delivery_count": "integer", "delivered_count": "integer", "failed_count": "integer", "read_count": "integer",
    "response_count": "integer", "conversion_count": "integer", "status": "character varying(20)",
    "scheduled_at": "timestamp with time zone", "started_at": "timestamp with time zone",
    "completed_at": "timestamp with time zone", "created_by_id": "uuid", "metadata": "jsonb",
    "created_at": "timestamp with time zone", "updated_at": "timestamp with time zone",
}  # fmt: skip
DEFAULTS = {
    "target_criteria": "'{}'::jsonb", "is_ab_test": "false", "variants": "'[]'::jsonb", "delivery_count": "0",
    "delivered_count": "0", "failed_count": "0", "read_count": "0", "response_count": "0", "conversion_count": "0",
    "status": "'draft'::character varying", "metadata": "'{}'::jsonb",
}  # fmt: skip
REQUIRED = {"id", "tenant_id", "name", "message_content"}
INDEXES = {
    "idx_campaigns_tenant_status": "(tenant_id, status)",
    "idx_campaigns_tenant_created": "(tenant_id, created_at)",
    "idx_campaigns_status_scheduled": "(status, scheduled_at)",
}


def test_the_table_has_the_columns_defaults_and_indexes_that_were_asked_for() -> None:
    rows = sql.fetch_all(
        "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull"
        " FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
        " WHERE a.attrelid = 'message_campaigns'::regclass AND a.attnum > 0 AND NOT a.attisdropped"
    )
    assert {name: kind for name, kind, _, _ in rows if name in COLUMNS} == COLUMNS
    assert {name: default for name, _, default, _ in rows if name in DEFAULTS} == DEFAULTS
    assert {name for name, _, _, is_required in rows if is_required} >= REQUIRED
    for moment in ("created_at", "updated_at"):
        (default,) = (default for name, _, default, _ in rows if name == moment)
        assert default in ("now()", "statement_timestamp()", "CURRENT_TIMESTAMP")
    indexes = dict(
        sql.fetch_all("SELECT indexname::text, indexdef FROM pg_indexes WHERE tablename = 'message_campaigns'")
    )
    for name, columns in INDEXES.items():
        assert indexes[name].endswith(columns)
