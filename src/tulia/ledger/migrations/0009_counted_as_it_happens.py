"""Whatever changes the ledger changes its sums, in the same transaction; see docs/decisions/0012-sums-kept-by-the-ledger.md.

After each statement its differences are put aside, and at the commit they are added to the sums, campaign by campaign in
the order of their ids: so a campaign's row is held for the moment of a commit, however long the transaction was.
"""

from django.db import migrations

from tulia.tenants.isolation import isolate

COUNTS = "people, sent, read, replied, clicked, converted, cost_micros"
EVENTS = "sent, delivered, read, replied, converted, failed"


def _all(columns: str, form: str, *, between: str = ", ") -> str:
    """The form once for each column, which stands for {}."""
    return between.join(form.format(column) for column in columns.split(", "))


# What a transaction has changed so far; empty between transactions, and nothing is lost with it in a crash. One row of
# the first table for each transaction brings the rest at the commit: a trigger for each difference would look for those
# that are gone already as often as there were any.
ASIDE = """
CREATE UNLOGGED TABLE ledger_unsettled (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    tenant_id uuid NOT NULL,
    PRIMARY KEY (transaction, tenant_id)
);
CREATE UNLOGGED TABLE ledger_differences (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    tenant_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    role smallint NOT NULL,
    arm smallint NOT NULL,
    state smallint NOT NULL,
    reason varchar(40) NOT NULL,
    failure_kind varchar(20) NOT NULL,
    failure_code varchar(40) NOT NULL,
    people int NOT NULL, sent int NOT NULL, read int NOT NULL, replied int NOT NULL, clicked int NOT NULL,
    converted int NOT NULL, cost_micros bigint NOT NULL
);
CREATE INDEX ledger_differences_mine ON ledger_differences (transaction);
CREATE UNLOGGED TABLE ledger_minute_differences (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    tenant_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    minute timestamptz NOT NULL,
    sent int NOT NULL, delivered int NOT NULL, read int NOT NULL, replied int NOT NULL, converted int NOT NULL,
    failed int NOT NULL
);
CREATE INDEX ledger_minute_differences_mine ON ledger_minute_differences (transaction);
CREATE UNLOGGED TABLE ledger_wait_differences (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    tenant_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    arm smallint NOT NULL,
    is_reply boolean NOT NULL,
    seconds int NOT NULL,
    people int NOT NULL,
    total_seconds double precision NOT NULL
);
CREATE INDEX ledger_wait_differences_mine ON ledger_wait_differences (transaction);
CREATE UNLOGGED TABLE ledger_outcome_differences (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    tenant_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    role smallint NOT NULL,
    arm smallint NOT NULL,
    minute timestamptz NOT NULL,
    people int NOT NULL,
    succeeded int NOT NULL
);
CREATE INDEX ledger_outcome_differences_mine ON ledger_outcome_differences (transaction);
"""

# Where somebody stands, what they did, and the minutes in which they did it. The same expressions count the ledger anew.
CELL = """c.tenant_id, c.campaign_id, c.role, COALESCE(c.arm, -1::smallint) AS arm, c.state, c.reason,
           COALESCE(c.failure_kind, '') AS failure_kind, COALESCE(c.failure_code, '') AS failure_code"""
IN_CELL = """{0} AS people,
           {0} FILTER (WHERE c.accepted_at IS NOT NULL) AS sent, {0} FILTER (WHERE c.read_at IS NOT NULL) AS read,
           {0} FILTER (WHERE c.replied_at IS NOT NULL) AS replied, {0} FILTER (WHERE c.clicked_at IS NOT NULL) AS clicked,
           {0} FILTER (WHERE c.converted_at IS NOT NULL) AS converted"""
MINUTES = """
        CROSS JOIN LATERAL (VALUES
            (0, c.accepted_at),
            (1, CASE WHEN c.state >= 40 THEN LEAST(c.delivered_at, c.read_at, c.replied_at) END),
            (2, c.read_at), (3, c.replied_at), (4, c.converted_at),
            (5, CASE WHEN c.state = 30 THEN c.failed_at END)
        ) AS event (kind, at)
        WHERE event.at IS NOT NULL"""
IN_MINUTE = ", ".join(
    f"COALESCE({{0}} FILTER (WHERE event.kind = {number}), 0) AS {name}"
    for number, name in enumerate(EVENTS.split(", "))
)

# The arm of those who are compared; whoever got the winner afterwards isn't.
DEALT_ARM = "CASE WHEN c.role = 0 AND c.arm IS NOT NULL THEN c.arm ELSE -1::smallint END"

# How long somebody took, and the same with three digits, because people take more different times than anybody looks at.
WAITS = """
        CROSS JOIN LATERAL (VALUES (false, c.read_at), (true, c.replied_at)) AS answer (is_reply, at)
        CROSS JOIN LATERAL (
            SELECT GREATEST(0, date_part('epoch', answer.at - COALESCE(c.sent_at, c.accepted_at))) AS exact
        ) AS took
        CROSS JOIN LATERAL (
            SELECT (floor(took.exact / step) * step)::int AS seconds
            FROM (SELECT CASE WHEN took.exact < 1000 THEN 1 WHEN took.exact < 10000 THEN 10
                              WHEN took.exact < 100000 THEN 100 WHEN took.exact < 1000000 THEN 1000
                              ELSE 10000 END AS step) stepped
        ) AS about
        WHERE answer.at IS NOT NULL"""

# What came of the people of an experiment within its window, by the minute of their turn.
OUTCOMES = """
        JOIN message_campaigns m ON m.id = c.campaign_id
            AND (m.is_ab_test OR m.holdout_percent > 0) AND m.outcome_window_minutes IS NOT NULL
        CROSS JOIN LATERAL (
            SELECT CASE m.primary_metric WHEN 'read' THEN c.read_at WHEN 'clicked' THEN c.clicked_at
                                         WHEN 'converted' THEN c.converted_at ELSE c.replied_at END
                   <= c.turn_at + m.outcome_window_minutes * interval '1 minute' AS is_success
        ) AS outcome
        WHERE c.turn_at IS NOT NULL AND (c.arm IS NOT NULL OR c.role = 2)"""


def _note(name: str, changed: str) -> str:
    """The trigger's function that puts aside the differences of one statement, whose rows are `changed` with a sign."""
    counted = IN_CELL.format("sum(c.sign)")
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_differences (tenant_id, campaign_id, role, arm, state, reason, failure_kind, failure_code, {COUNTS})
    SELECT tenant_id, campaign_id, role, arm, state, reason, failure_kind, failure_code, {_all(COUNTS, "COALESCE({}, 0)")}
    FROM (
        SELECT {CELL},
               {counted}, sum(c.sign * c.cost_micros) AS cost_micros
        FROM ({changed}) c
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ) cell
    WHERE ({_all(COUNTS, "COALESCE({}, 0)")}) <> ({_all(COUNTS, "0")});

    INSERT INTO ledger_minute_differences (tenant_id, campaign_id, minute, {EVENTS})
    SELECT * FROM (
        SELECT c.tenant_id, c.campaign_id, date_trunc('minute', event.at), {IN_MINUTE.format("sum(c.sign)")}
        FROM ({changed}) c
        {MINUTES}
        GROUP BY 1, 2, 3
    ) happened
    WHERE ({_all(EVENTS, "happened.{}")}) <> ({_all(EVENTS, "0")});

    INSERT INTO ledger_wait_differences (tenant_id, campaign_id, arm, is_reply, seconds, people, total_seconds)
    SELECT * FROM (
        SELECT c.tenant_id, c.campaign_id, {DEALT_ARM}, answer.is_reply, about.seconds,
               sum(c.sign) AS people, sum(c.sign * took.exact) AS total_seconds
        FROM ({changed}) c
        {WAITS}
        GROUP BY 1, 2, 3, 4, 5
    ) waited
    WHERE waited.people <> 0 OR waited.total_seconds <> 0;

    INSERT INTO ledger_outcome_differences (tenant_id, campaign_id, role, arm, minute, people, succeeded)
    SELECT * FROM (
        SELECT c.tenant_id, c.campaign_id, c.role, COALESCE(c.arm, -1::smallint), date_trunc('minute', c.turn_at),
               sum(c.sign) AS people, COALESCE(sum(c.sign) FILTER (WHERE outcome.is_success), 0) AS succeeded
        FROM ({changed}) c
        {OUTCOMES}
        GROUP BY 1, 2, 3, 4, 5
    ) came
    WHERE came.people <> 0 OR came.succeeded <> 0;

    INSERT INTO ledger_unsettled (tenant_id)
    SELECT tenant_id FROM ledger_differences WHERE transaction = pg_current_xact_id()
    UNION
    SELECT tenant_id FROM ledger_minute_differences WHERE transaction = pg_current_xact_id()
    UNION
    SELECT tenant_id FROM ledger_wait_differences WHERE transaction = pg_current_xact_id()
    UNION
    SELECT tenant_id FROM ledger_outcome_differences WHERE transaction = pg_current_xact_id()
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
"""


NEW = "SELECT 1 AS sign, n.* FROM new_rows n"
OLD = "SELECT -1 AS sign, o.* FROM old_rows o"

TRIGGERS = (
    _note("ledger_note_new", NEW)
    + _note("ledger_note_gone", OLD)
    + _note("ledger_note_changed", f"{NEW} UNION ALL {OLD}")
    + """
CREATE TRIGGER ledger_counts_new AFTER INSERT ON ledger_recipients REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_note_new();
CREATE TRIGGER ledger_counts_gone AFTER DELETE ON ledger_recipients REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_note_gone();
CREATE TRIGGER ledger_counts_changed AFTER UPDATE ON ledger_recipients
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_note_changed();
"""
)

# At the commit, once for each tenant (there is one). A transaction
# that ends in another scope than it wrote in is told for the moment whose rows these are.
SETTLE = f"""
CREATE FUNCTION ledger_settle() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    acting text := current_setting('tulia.tenant_id', true);
BEGIN
    IF acting IS DISTINCT FROM NEW.tenant_id::text THEN
        PERFORM set_config('tulia.tenant_id', NEW.tenant_id::text, true);
    END IF;
    PERFORM m.id
    FROM message_campaigns m
    WHERE m.id IN (
        SELECT campaign_id FROM ledger_differences WHERE transaction = pg_current_xact_id()
        UNION
        SELECT campaign_id FROM ledger_minute_differences WHERE transaction = pg_current_xact_id()
        UNION
        SELECT campaign_id FROM ledger_wait_differences WHERE transaction = pg_current_xact_id()
        UNION
        SELECT campaign_id FROM ledger_outcome_differences WHERE transaction = pg_current_xact_id()
    )
    ORDER BY m.id
    FOR NO KEY UPDATE;

    WITH mine AS (
        DELETE FROM ledger_differences d
        WHERE d.transaction = pg_current_xact_id() AND d.tenant_id = NEW.tenant_id
        RETURNING d.*
    ), added AS (
        INSERT INTO ledger_tallies AS t (tenant_id, campaign_id, role, arm, state, reason, failure_kind, failure_code, {COUNTS})
        SELECT tenant_id, campaign_id, role, arm, state, reason, failure_kind, failure_code, {_all(COUNTS, "sum({})")}
        FROM mine
        GROUP BY tenant_id, campaign_id, role, arm, state, reason, failure_kind, failure_code
        ON CONFLICT (campaign_id, role, arm, state, reason, failure_kind, failure_code)
        DO UPDATE SET {_all(COUNTS, "{0} = t.{0} + EXCLUDED.{0}")}
    ), gained AS (
        SELECT campaign_id, sum(sent) AS sent, sum(people) FILTER (WHERE state >= 40) AS delivered,
               sum(people) FILTER (WHERE state = 30) AS failed, sum(read) AS read, sum(replied) AS replied,
               sum(converted) AS converted, sum(cost_micros) FILTER (WHERE state <> 30) AS cost_micros
        FROM mine
        GROUP BY campaign_id
    )
    UPDATE message_campaigns m
    SET delivery_count = m.delivery_count + g.sent,
        delivered_count = m.delivered_count + COALESCE(g.delivered, 0),
        failed_count = m.failed_count + COALESCE(g.failed, 0),
        read_count = m.read_count + g.read,
        response_count = m.response_count + g.replied,
        conversion_count = m.conversion_count + g.converted,
        cost_micros = m.cost_micros + COALESCE(g.cost_micros, 0)
    FROM gained g
    WHERE m.id = g.campaign_id
      AND (g.sent, COALESCE(g.delivered, 0), COALESCE(g.failed, 0), g.read, g.replied, g.converted,
           COALESCE(g.cost_micros, 0)) <> (0, 0, 0, 0, 0, 0, 0);

    WITH mine AS (
        DELETE FROM ledger_minute_differences d
        WHERE d.transaction = pg_current_xact_id() AND d.tenant_id = NEW.tenant_id
        RETURNING d.*
    )
    INSERT INTO ledger_minutes AS t (tenant_id, campaign_id, minute, {EVENTS})
    SELECT tenant_id, campaign_id, minute, {_all(EVENTS, "sum({})")}
    FROM mine
    GROUP BY tenant_id, campaign_id, minute
    ON CONFLICT (campaign_id, minute) DO UPDATE SET {_all(EVENTS, "{0} = t.{0} + EXCLUDED.{0}")};

    WITH mine AS (
        DELETE FROM ledger_wait_differences d
        WHERE d.transaction = pg_current_xact_id() AND d.tenant_id = NEW.tenant_id
        RETURNING d.*
    )
    INSERT INTO ledger_waits AS t (tenant_id, campaign_id, arm, is_reply, seconds, people, total_seconds)
    SELECT tenant_id, campaign_id, arm, is_reply, seconds, sum(people), sum(total_seconds)
    FROM mine
    GROUP BY tenant_id, campaign_id, arm, is_reply, seconds
    ON CONFLICT (campaign_id, arm, is_reply, seconds)
    DO UPDATE SET people = t.people + EXCLUDED.people, total_seconds = t.total_seconds + EXCLUDED.total_seconds;

    WITH mine AS (
        DELETE FROM ledger_outcome_differences d
        WHERE d.transaction = pg_current_xact_id() AND d.tenant_id = NEW.tenant_id
        RETURNING d.*
    )
    INSERT INTO ledger_outcomes AS t (tenant_id, campaign_id, role, arm, minute, people, succeeded)
    SELECT tenant_id, campaign_id, role, arm, minute, sum(people), sum(succeeded)
    FROM mine
    GROUP BY tenant_id, campaign_id, role, arm, minute
    ON CONFLICT (campaign_id, role, arm, minute)
    DO UPDATE SET people = t.people + EXCLUDED.people, succeeded = t.succeeded + EXCLUDED.succeeded;

    DELETE FROM ledger_unsettled u WHERE u.transaction = pg_current_xact_id() AND u.tenant_id = NEW.tenant_id;
    IF acting IS DISTINCT FROM NEW.tenant_id::text THEN
        PERFORM set_config('tulia.tenant_id', COALESCE(acting, ''), true);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_settles AFTER INSERT ON ledger_unsettled
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_settle();
"""

OF_ALL_TENANTS = ("ledger_recipients", "message_campaigns", "ledger_tallies", "ledger_minutes", "ledger_waits", "ledger_outcomes")
COUNT_WHAT_IS_THERE = f"""
{"".join(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;" for table in OF_ALL_TENANTS)}
INSERT INTO ledger_tallies (tenant_id, campaign_id, role, arm, state, reason, failure_kind, failure_code, {COUNTS})
SELECT {CELL}, {IN_CELL.format("count(*)")}, sum(c.cost_micros)
FROM ledger_recipients c
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
INSERT INTO ledger_minutes (tenant_id, campaign_id, minute, {EVENTS})
SELECT c.tenant_id, c.campaign_id, date_trunc('minute', event.at), {IN_MINUTE.format("count(*)")}
FROM ledger_recipients c
{MINUTES}
GROUP BY 1, 2, 3;
INSERT INTO ledger_waits (tenant_id, campaign_id, arm, is_reply, seconds, people, total_seconds)
SELECT c.tenant_id, c.campaign_id, {DEALT_ARM}, answer.is_reply, about.seconds, count(*), sum(took.exact)
FROM ledger_recipients c
{WAITS}
GROUP BY 1, 2, 3, 4, 5;
INSERT INTO ledger_outcomes (tenant_id, campaign_id, role, arm, minute, people, succeeded)
SELECT c.tenant_id, c.campaign_id, c.role, COALESCE(c.arm, -1::smallint), date_trunc('minute', c.turn_at), count(*),
       count(*) FILTER (WHERE outcome.is_success)
FROM ledger_recipients c
{OUTCOMES}
GROUP BY 1, 2, 3, 4, 5;
{"".join(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;" for table in OF_ALL_TENANTS)}
"""

GONE = """
DROP TRIGGER ledger_counts_new ON ledger_recipients;
DROP TRIGGER ledger_counts_gone ON ledger_recipients;
DROP TRIGGER ledger_counts_changed ON ledger_recipients;
DROP FUNCTION ledger_note_new();
DROP FUNCTION ledger_note_gone();
DROP FUNCTION ledger_note_changed();
DROP TABLE ledger_outcome_differences;
DROP TABLE ledger_wait_differences;
DROP TABLE ledger_minute_differences;
DROP TABLE ledger_differences;
DROP TABLE ledger_unsettled;
DROP FUNCTION ledger_settle();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0008_roles_and_sums")]
    operations = [
        migrations.RunSQL(COUNT_WHAT_IS_THERE, migrations.RunSQL.noop),
        migrations.RunSQL(ASIDE + TRIGGERS + SETTLE, GONE),
        isolate("ledger_unsettled"),
        isolate("ledger_differences"),
        isolate("ledger_minute_differences"),
        isolate("ledger_wait_differences"),
        isolate("ledger_outcome_differences"),
    ]
