-- Appends one event behind the anchor $1, where that is the head of the log; else nothing, and answers with no row.
--
-- Whoever has appended since this statement's snapshot, before it got the lock, is found out by the unique indexes.
WITH lock AS MATERIALIZED (
    SELECT id FROM {schema}.log FOR UPDATE
),
head AS MATERIALIZED (
    SELECT events.position, events.recorded_at, events.event_id
    FROM {schema}.events
    ORDER BY events.position DESC
    LIMIT 1
),
appended AS (
    INSERT INTO {schema}.events (
        position, version, recorded_at, event_id, schema_version, category, stream_id, name, metadata, data
    )
    SELECT head.position + 1, $2, greatest(clock_timestamp(), head.recorded_at), $3, $4, $5, $6, $7, $8, $9
    FROM lock
    CROSS JOIN head
    WHERE head.event_id = $1
    RETURNING events.position, events.recorded_at
)
SELECT
    appended.position,
    appended.recorded_at,
    pg_notify('{name}.events', appended.position::text),
    -- What is acknowledged survives the loss of power, whatever the database does by default.
    CASE
        WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'local', true)
    END
FROM appended
