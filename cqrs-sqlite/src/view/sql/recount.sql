UPDATE projections SET parked = parked + ?5
WHERE name = ?1 AND version = ?2 AND generation = ?3 AND partition = ?4
RETURNING parked
