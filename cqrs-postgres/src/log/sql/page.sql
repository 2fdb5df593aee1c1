SELECT
    0 AS tag, head.position, NULL::bigint AS version, NULL::timestamptz AS recorded_at, head.event_id,
    NULL::integer AS schema_version, NULL AS name, NULL::json AS metadata, NULL::json AS data, NULL AS category,
    NULL AS stream_id
FROM (SELECT position, event_id FROM {schema}.events ORDER BY position DESC LIMIT 1) AS head
UNION ALL
SELECT 5, position, NULL, NULL, event_id, NULL, NULL, NULL, NULL, NULL, NULL
FROM {schema}.events
WHERE position IN ($1, $2)
UNION ALL
SELECT 1, page.*
FROM (
    SELECT position, version, recorded_at, event_id, schema_version, name, metadata, data, category, stream_id
    FROM {schema}.events
    WHERE position > $1 AND position <= $2
    ORDER BY position
    LIMIT $3
) AS page
