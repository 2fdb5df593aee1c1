SELECT
    log, position, head, as_of, last, diverged, parked, fence, standing, revision,
    fingerprint, indexes, documents IS NOT NULL, version, generation
FROM {schema}.projections
WHERE name = $1
ORDER BY version, generation
