SELECT
    position, sequence_category, sequence, event_id, category, stream_id, version, event, failure, parked_at, attempts,
    tried_at
FROM dead_letters
WHERE projection = ?1 AND projection_version = ?2 AND projection_generation = ?3 AND projection_partition = ?4
    AND position > ?5 AND position <= ifnull(
        (
            SELECT position FROM dead_letters
            WHERE projection = ?1 AND projection_version = ?2 AND projection_generation = ?3
                AND projection_partition = ?4 AND position > ?5
            ORDER BY position LIMIT 1 OFFSET ?6
        ),
        9223372036854775807
    )
ORDER BY position, sequence_category, sequence
