UPDATE projections
SET log = ?4, position = ?5, head = ?6, as_of = ?7, last = ?9, diverged = ?10, parked = parked + ?8
WHERE name = ?1 AND version = ?2 AND ifnull(position, 0) = ?3
RETURNING parked
