-- What the stream's events do not bear out, as the log was put back since, gives way to what they do.
INSERT INTO snapshots AS kept (category, stream_id, version, last, fingerprint, data)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (category, stream_id) DO UPDATE
SET version = excluded.version, last = excluded.last, fingerprint = excluded.fingerprint, data = excluded.data
WHERE kept.fingerprint <> excluded.fingerprint
    OR kept.version < excluded.version
    OR (
        EXISTS (
            SELECT 1 FROM events
            WHERE category = ?1 AND stream_id = ?2 AND version = ?3 AND event_id = ?4
        )
        AND NOT EXISTS (
            SELECT 1 FROM events
            WHERE category = ?1 AND stream_id = ?2 AND version = kept.version AND event_id = kept.last
        )
    )
