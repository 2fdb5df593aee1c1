SELECT 1 AS tag, position, version, recorded_at, event_id, schema_version, name, metadata, data
FROM {schema}.events
WHERE category = $1 AND stream_id = $2 AND version < $3
ORDER BY version DESC
LIMIT $4
