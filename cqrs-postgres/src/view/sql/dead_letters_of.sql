-- One sequence has one letter at most of each position.
SELECT
    position, sequence_category, sequence, event_id, category, stream_id, version, event, failure, parked_at, attempts,
    tried_at
FROM {schema}.dead_letters
WHERE projection = $1 AND projection_version = $2 AND projection_generation = $3 AND sequence_id = $6 AND position > $4
ORDER BY position LIMIT $5
