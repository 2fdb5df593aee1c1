-- ?3: [[category, name], …], ?4: [category, …], both JSON. Events are passed over in the order of the log: an index
-- over categories would have to sort what it finds.
SELECT position, event_id, category, stream_id, version, name, schema_version, recorded_at, metadata, data
FROM events NOT INDEXED
WHERE position > ?1 AND position <= ?2
    AND (
        (category, name) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?3))
        OR category IN (SELECT value FROM json_each(?4))
    )
ORDER BY position
LIMIT ?5
