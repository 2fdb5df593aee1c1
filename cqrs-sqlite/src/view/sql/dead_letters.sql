SELECT
    position, sequence_category, sequence, event_id, category, stream_id, version, event, failure, parked_at
FROM dead_letters
WHERE projection = ?1 AND projection_version = ?2 AND position > ?3
    AND position <= ifnull(
        (
            SELECT position FROM dead_letters
            WHERE projection = ?1 AND projection_version = ?2 AND position > ?3
            ORDER BY position LIMIT 1 OFFSET ?4
        ),
        9223372036854775807
    )
ORDER BY position, sequence_category, sequence
