SELECT fingerprint, indexes, log, position, head, as_of, parked, last, diverged, fence, standing, partitions
FROM projections WHERE name = ?1 AND version = ?2 AND generation = ?3 AND partition = ?4
