-- What the stream's events do not bear out, as the log was put back since, gives way to what they do.
INSERT INTO {schema}.snapshots AS kept (category, stream_id, version, last, fingerprint, data)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (category, stream_id) DO UPDATE
SET version = excluded.version, last = excluded.last, fingerprint = excluded.fingerprint, data = excluded.data
WHERE kept.fingerprint <> excluded.fingerprint
    OR kept.version < excluded.version
    OR (
        EXISTS (
            SELECT FROM {schema}.events
            WHERE events.category = excluded.category
                AND events.stream_id = excluded.stream_id
                AND events.version = excluded.version
                AND events.event_id = excluded.last
        )
        AND NOT EXISTS (
            SELECT FROM {schema}.events
            WHERE events.category = kept.category
                AND events.stream_id = kept.stream_id
                AND events.version = kept.version
                AND events.event_id = kept.last
        )
    )
