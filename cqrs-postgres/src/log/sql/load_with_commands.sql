-- As `load.sql`; $4 are the ids of commands to look up, or null.
WITH stream AS MATERIALIZED (
    SELECT wanted.load, wanted.category, wanted.stream_id, snapshot.version, snapshot.last, snapshot.data
    FROM unnest($1, $2, $3) WITH ORDINALITY AS wanted (category, stream_id, fingerprint, load)
    LEFT JOIN LATERAL (
        SELECT snapshots.version, snapshots.last, snapshots.data
        FROM {schema}.snapshots
        WHERE snapshots.category = wanted.category
            AND snapshots.stream_id = wanted.stream_id
            AND snapshots.fingerprint = wanted.fingerprint
            -- Not as a join, whose plan may walk along the whole stream.
            AND snapshots.last = (
                SELECT events.event_id
                FROM {schema}.events
                WHERE events.category = snapshots.category
                    AND events.stream_id = snapshots.stream_id
                    AND events.version = snapshots.version
            )
        LIMIT 1
    ) AS snapshot ON true
),
command AS MATERIALIZED (
    SELECT wanted.load, known.*
    FROM unnest($4) WITH ORDINALITY AS wanted (id, load)
    CROSS JOIN LATERAL (SELECT * FROM {schema}.commands WHERE commands.id = wanted.id LIMIT 1) AS known
)
SELECT
    0 AS tag, head.position, NULL::bigint AS version, NULL::timestamptz AS recorded_at, NULL::uuid AS event_id,
    NULL::integer AS schema_version, NULL AS name, NULL::json AS metadata, NULL::json AS data, NULL AS category,
    NULL AS stream_id
FROM (SELECT position FROM {schema}.events ORDER BY position DESC LIMIT 1) AS head
UNION ALL
SELECT 8 * load::integer + 2, NULL, version, NULL, last, NULL, NULL, NULL, data, NULL, NULL
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
    LIMIT command.events
) AS event
