-- One sequence has one letter at most of each position. Left alone, SQLite would go through those of all sequences.
SELECT
    position, sequence_category, sequence, event_id, category, stream_id, version, event, failure, parked_at, attempts,
    tried_at
FROM dead_letters INDEXED BY dead_letters_by_sequence
WHERE projection = ?1 AND projection_version = ?2 AND projection_generation = ?3 AND projection_partition = ?4
    AND position > ?5 AND sequence_category = ?7 AND sequence = ?8
ORDER BY position LIMIT ?6
