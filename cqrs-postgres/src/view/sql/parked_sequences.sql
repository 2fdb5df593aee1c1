SELECT DISTINCT ON (sequence_id) sequence_category, sequence
FROM {schema}.dead_letters
WHERE projection = $1 AND projection_version = $2 AND projection_generation = $3 AND projection_partition = $4
ORDER BY sequence_id
