UPDATE projections
SET log = ?5, position = ?6, head = ?7, as_of = ?8, last = ?9, diverged = ?10, fence = ?11, standing = ?12,
    partitions = ?13
WHERE name = ?1 AND version = ?2 AND generation = ?3 AND partition = ?4
RETURNING parked
