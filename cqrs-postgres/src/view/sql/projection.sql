SELECT log, position, head, as_of, last, diverged, parked, revision, fingerprint, indexes
FROM {schema}.projections
WHERE name = $1 AND version = $2
