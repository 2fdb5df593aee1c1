-- At most $6 letters, but all of the last one's position.
SELECT
    position, sequence_category, sequence, event_id, category, stream_id, version, event, failure, parked_at, attempts,
    tried_at
FROM {schema}.dead_letters
WHERE projection = $1 AND projection_version = $2 AND projection_generation = $3 AND projection_partition = $4
    AND position > $5 AND position <= coalesce(
        (
            SELECT position FROM {schema}.dead_letters
            WHERE projection = $1 AND projection_version = $2 AND projection_generation = $3
                AND projection_partition = $4 AND position > $5
            ORDER BY position OFFSET $6 - 1 LIMIT 1
        ),
        9223372036854775807
    )
ORDER BY position
