-- Of several streams at once: $1 and $2 name them, $3 is the shape of the wanted snapshot, or null.
WITH stream AS MATERIALIZED (
    SELECT wanted.load, wanted.category, wanted.stream_id, snapshots.version, snapshots.data
    FROM unnest($1, $2, $3) WITH ORDINALITY AS wanted (category, stream_id, fingerprint, load)
    LEFT JOIN {schema}.snapshots USING (category, stream_id, fingerprint)
)
SELECT
    0 AS tag, head.position, NULL::bigint AS version, NULL::timestamptz AS recorded_at, NULL::uuid AS event_id,
    NULL::integer AS schema_version, NULL AS name, NULL::json AS metadata, NULL::json AS data
FROM (SELECT position FROM {schema}.events ORDER BY position DESC LIMIT 1) AS head
UNION ALL
SELECT 8 * load::integer + 2, NULL, version, NULL, NULL, NULL, NULL, NULL, data
FROM stream
WHERE version IS NOT NULL
UNION ALL
SELECT
    8 * load::integer + 1, event.position, event.version, event.recorded_at, event.event_id, event.schema_version,
    event.name, event.metadata, event.data
FROM stream
CROSS JOIN LATERAL (
    SELECT *
    FROM {schema}.events
    WHERE events.category = stream.category
        AND events.stream_id = stream.stream_id
        AND events.version > coalesce(stream.version, 0)
    ORDER BY events.version
) AS event
