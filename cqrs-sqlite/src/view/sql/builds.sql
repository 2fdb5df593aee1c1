SELECT
    fingerprint, indexes, log, position, head, as_of, parked, last, diverged, fence, standing, partitions,
    version, generation, partition
FROM projections WHERE name = ?1
