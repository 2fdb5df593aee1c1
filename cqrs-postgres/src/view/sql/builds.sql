SELECT
    log, position, head, as_of, last, diverged, parked, fence, standing, revision, partitions,
    fingerprint, indexes, documents IS NOT NULL, version, generation, partition
FROM {schema}.projections
WHERE name = $1
