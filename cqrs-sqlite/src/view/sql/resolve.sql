DELETE FROM dead_letters
WHERE projection = ?1 AND projection_version = ?2 AND projection_generation = ?3
    AND position = ?4 AND sequence_category = ?5 AND sequence = ?6
