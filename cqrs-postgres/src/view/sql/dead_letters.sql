-- At most $5 letters, but all of the last one's position.
SELECT
    position, sequence_category, sequence, event_id, category, stream_id, version, event, failure, parked_at, attempts,
    tried_at
FROM {schema}.dead_letters
WHERE projection = $1 AND projection_version = $2 AND projection_generation = $3 AND position > $4
    AND position <= coalesce(
        (
            SELECT position FROM {schema}.dead_letters
            WHERE projection = $1 AND projection_version = $2 AND projection_generation = $3 AND position > $4
            ORDER BY position OFFSET $5 - 1 LIMIT 1
        ),
        9223372036854775807
    )
ORDER BY position
