SELECT position, event_id, category, stream_id, version, name, schema_version, recorded_at, metadata, data
FROM events
WHERE category = ?1 AND stream_id = ?2 AND version > ?3
ORDER BY version
LIMIT ?4
