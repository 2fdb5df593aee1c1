UPDATE projections SET parked = parked + ?4
WHERE name = ?1 AND version = ?2 AND generation = ?3
RETURNING parked
