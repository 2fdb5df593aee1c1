-- As `load.sql`; $4 are the ids of commands to look up, or null.
WITH stream AS MATERIALIZED (
    SELECT wanted.load, wanted.category, wanted.stream_id, snapshots.version, snapshots.data
    FROM unnest($1, $2, $3) WITH ORDINALITY AS wanted (category, stream_id, fingerprint, load)
    LEFT JOIN {schema}.snapshots USING (category, stream_id, fingerprint)
),
command AS MATERIALIZED (
    SELECT wanted.load, commands.*
    FROM unnest($4) WITH ORDINALITY AS wanted (id, load)
    JOIN {schema}.commands USING (id)
)
SELECT
    0 AS tag, head.position, NULL::bigint AS version, NULL::timestamptz AS recorded_at, NULL::uuid AS event_id,
    NULL::integer AS schema_version, NULL AS name, NULL::json AS metadata, NULL::json AS data, NULL AS category,
    NULL AS stream_id
FROM (SELECT position FROM {schema}.events ORDER BY position DESC LIMIT 1) AS head
UNION ALL
SELECT 8 * load::integer + 2, NULL, version, NULL, NULL, NULL, NULL, NULL, data, NULL, NULL
FROM stream
WHERE version IS NOT NULL
UNION ALL
SELECT
    8 * load::integer + 1, event.position, event.version, event.recorded_at, event.event_id, event.schema_version,
    event.name, event.metadata, event.data, NULL, NULL
FROM stream
CROSS JOIN LATERAL (
    SELECT *
    FROM {schema}.events
    WHERE events.category = stream.category
        AND events.stream_id = stream.stream_id
        AND events.version > coalesce(stream.version, 0)
    ORDER BY events.version
) AS event
UNION ALL
SELECT
    8 * load::integer + 3, position, version, NULL, fingerprint, events, answer, NULL, NULL, category, stream_id
FROM command
UNION ALL
SELECT
    8 * load::integer + 4, event.position, event.version, event.recorded_at, event.event_id, event.schema_version,
    event.name, event.metadata, event.data, event.category, event.stream_id
FROM command
CROSS JOIN LATERAL (
    SELECT *
    FROM {schema}.events
    WHERE events.position > command.position - command.events AND events.position <= command.position
    ORDER BY events.position
) AS event
