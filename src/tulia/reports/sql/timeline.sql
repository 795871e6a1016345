-- When the people of a campaign were sent to, reached, and so on: people by the slots of time that each kind of evidence
-- fell into. Each person is counted once, at the earliest evidence of each kind: whoever read or replied was reached by
-- then. Evidence outside of the span falls into the slot `until`. Grouped by all kinds at once, which takes one pass.
-- params: tenant_id uuid, campaign_id uuid, since timestamptz, until timestamptz, stride interval
-- returns: the slots of sent, delivered, read, replied, converted and failed (null: it didn't happen), people
SELECT CASE WHEN sent >= %(since)s::timestamptz AND sent < %(until)s::timestamptz
            THEN date_bin(%(stride)s::interval, sent, %(since)s::timestamptz)
            WHEN sent IS NOT NULL THEN %(until)s::timestamptz END,
       CASE WHEN delivered >= %(since)s::timestamptz AND delivered < %(until)s::timestamptz
            THEN date_bin(%(stride)s::interval, delivered, %(since)s::timestamptz)
            WHEN delivered IS NOT NULL THEN %(until)s::timestamptz END,
       CASE WHEN read >= %(since)s::timestamptz AND read < %(until)s::timestamptz
            THEN date_bin(%(stride)s::interval, read, %(since)s::timestamptz)
            WHEN read IS NOT NULL THEN %(until)s::timestamptz END,
       CASE WHEN replied >= %(since)s::timestamptz AND replied < %(until)s::timestamptz
            THEN date_bin(%(stride)s::interval, replied, %(since)s::timestamptz)
            WHEN replied IS NOT NULL THEN %(until)s::timestamptz END,
       CASE WHEN converted >= %(since)s::timestamptz AND converted < %(until)s::timestamptz
            THEN date_bin(%(stride)s::interval, converted, %(since)s::timestamptz)
            WHEN converted IS NOT NULL THEN %(until)s::timestamptz END,
       CASE WHEN failed >= %(since)s::timestamptz AND failed < %(until)s::timestamptz
            THEN date_bin(%(stride)s::interval, failed, %(since)s::timestamptz)
            WHEN failed IS NOT NULL THEN %(until)s::timestamptz END,
       count(*)
FROM (
    SELECT r.accepted_at AS sent, r.read_at AS read, r.replied_at AS replied, r.converted_at AS converted,
           CASE WHEN r.state >= 40 THEN LEAST(r.delivered_at, r.read_at, r.replied_at) END AS delivered,
           CASE WHEN r.state = 30 THEN r.failed_at END AS failed
    FROM ledger_recipients r
    WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid
      AND (r.accepted_at IS NOT NULL OR r.failed_at IS NOT NULL)
) happened
GROUP BY 1, 2, 3, 4, 5, 6
