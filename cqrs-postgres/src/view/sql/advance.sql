-- Moves a projection on, unless it is not where the batch begins, or has other indexes than the batch's writer declares.
UPDATE {schema}.projections
SET log = $4, position = $5, head = $6, as_of = $7, last = $8, diverged = $9,
    revision = revision + 1, parked = parked + {parked}
WHERE name = $1 AND version = $2 AND coalesce(position, 0) = $3 AND indexes @> $10 AND indexes <@ $10
RETURNING *
