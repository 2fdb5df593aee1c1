SELECT fingerprint, indexes, log, position, head, as_of, parked, last, diverged
FROM projections WHERE name = ?1 AND version = ?2
