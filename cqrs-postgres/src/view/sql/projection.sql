SELECT
    log, position, head, as_of, last, diverged, parked, fence, standing, revision, partitions,
    fingerprint, indexes, documents IS NOT NULL
FROM {schema}.projections
WHERE name = $1 AND version = $2 AND generation = $3 AND partition = $4
