UPDATE projections SET indexes = ?4
WHERE name = ?1 AND version = ?2 AND generation = ?3 AND indexes <> ?4
