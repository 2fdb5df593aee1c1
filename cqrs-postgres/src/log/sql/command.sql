WITH command AS MATERIALIZED (
    SELECT * FROM {schema}.commands WHERE id = $1
)
SELECT
    3 AS tag, position, version, NULL::timestamptz AS recorded_at, fingerprint AS event_id, events AS schema_version,
    answer AS name, NULL::json AS metadata, NULL::json AS data, category, stream_id
FROM command
UNION ALL
SELECT
    4, event.position, event.version, event.recorded_at, event.event_id, event.schema_version, event.name,
    event.metadata, event.data, event.category, event.stream_id
FROM command
CROSS JOIN LATERAL (
    SELECT *
    FROM {schema}.events
    WHERE events.position > command.position - command.events AND events.position <= command.position
    ORDER BY events.position
) AS event
