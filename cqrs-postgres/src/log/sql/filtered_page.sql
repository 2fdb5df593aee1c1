-- As `page.sql`, with just the events whose category and name are in $4 and $5, or whose category is in $6. Events are
-- passed over in the order of the log: an index over categories would have to sort what it finds.
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
        AND (
            (category, name) IN (SELECT wanted.category, wanted.name FROM unnest($4, $5) AS wanted (category, name))
            OR category = ANY ($6)
        )
    ORDER BY position
    LIMIT $3
) AS page
