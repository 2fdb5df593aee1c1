-- One sequence has one letter at most of each position.
SELECT
    position, sequence_category, sequence, event_id, category, stream_id, version, event, failure, parked_at, attempts,
    tried_at
FROM {schema}.dead_letters
WHERE projection = $1 AND projection_version = $2 AND projection_generation = $3 AND projection_partition = $4
    AND sequence_id = $7 AND position > $5
ORDER BY position LIMIT $6
