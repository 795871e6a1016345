"""The second fence between tenants, in the database: migration operations for row-level security.

A table under it shows only the rows of the tenant that `tenant_scope` named for this transaction, and nothing when
none was named. A closed list of small tables may also be read (never written) across tenants inside `system_scope`.
"""

from __future__ import annotations

from django.db.migrations.operations import RunSQL

_TENANT = "NULLIF(current_setting('tulia.tenant_id', true), '')::uuid"


def isolate(table: str, *, readable_by_system: bool = False) -> RunSQL:
    """Row-level security by `tenant_id`, forced upon the table's owner too."""
    statements = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant_isolation ON {table} USING (tenant_id = {_TENANT}) WITH CHECK (tenant_id = {_TENANT})",
    ]
    if readable_by_system:
        statements.append(
            f"CREATE POLICY system_reads ON {table} FOR SELECT USING (current_setting('tulia.system', true) = 'on')"
        )
    undo = [
        f"DROP POLICY IF EXISTS system_reads ON {table}",
        f"DROP POLICY tenant_isolation ON {table}",
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    ]
    return RunSQL(";\n".join(statements), ";\n".join(undo))


def append_only(table: str) -> RunSQL:
    """Nobody changes a row of this table: the application may only add and read, whoever it acts for."""
    return RunSQL(
        f"REVOKE UPDATE, DELETE ON {table} FROM tulia_app",
        f"GRANT UPDATE, DELETE ON {table} TO tulia_app",
    )


def unchangeable(table: str) -> RunSQL:
    """`append_only`, held by a trigger too, so that whoever owns the table has to take that away first."""
    return RunSQL(
        f"""
        REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM tulia_app;
        CREATE FUNCTION {table}_stay() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of {table} are never changed or removed' USING ERRCODE = 'insufficient_privilege';
        END $$;
        CREATE TRIGGER {table}_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION {table}_stay()
        """,
        f"""
        DROP TRIGGER {table}_stay ON {table};
        DROP FUNCTION {table}_stay();
        GRANT UPDATE, DELETE ON {table} TO tulia_app
        """,
    )
