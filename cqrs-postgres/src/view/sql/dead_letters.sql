-- At most $4 letters, but all of the last one's position.
SELECT
    position, sequence_category, sequence, event_id, category, stream_id, version, event, failure, parked_at
FROM {schema}.dead_letters
WHERE projection = $1 AND projection_version = $2 AND position > $3
    AND position <= coalesce(
        (
            SELECT position FROM {schema}.dead_letters
            WHERE projection = $1 AND projection_version = $2 AND position > $3
            ORDER BY position OFFSET $4 - 1 LIMIT 1
        ),
        9223372036854775807
    )
ORDER BY position
