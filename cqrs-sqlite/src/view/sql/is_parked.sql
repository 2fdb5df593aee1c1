SELECT 1 FROM dead_letters WHERE projection = ?1 AND projection_version = ?2 AND position = ?3
