SELECT 1 FROM dead_letters
WHERE projection = ?1 AND projection_version = ?2 AND projection_generation = ?3 AND position = ?4
