SELECT position, event_id, category, stream_id, version, name, schema_version, recorded_at, metadata, data
FROM events
WHERE position > ?1 AND position <= ?2
ORDER BY position
LIMIT ?3
