SELECT fingerprint, indexes, log, position, head, as_of, parked, last, diverged, fence, standing, version, generation
FROM projections WHERE name = ?1
ORDER BY version, generation
