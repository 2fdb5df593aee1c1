SELECT DISTINCT sequence_category, sequence
FROM dead_letters
WHERE projection = ?1 AND projection_version = ?2 AND projection_generation = ?3 AND projection_partition = ?4
