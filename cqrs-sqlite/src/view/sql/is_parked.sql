SELECT 1 FROM dead_letters
WHERE projection = ?1 AND projection_version = ?2 AND projection_generation = ?3 AND projection_partition = ?4
    AND position = ?5
