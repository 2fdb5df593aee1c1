-- Moves a projection on, unless it is not where the batch begins, a writer with a greater fencing number was there, or it
-- has other indexes than the batch's writer declares.
UPDATE {schema}.projections
SET log = $5, position = $6, head = $7, as_of = $8, last = $9, diverged = $10, fence = $11, standing = $12,
    revision = revision + 1, parked = parked + {parked}
WHERE name = $1 AND version = $2 AND generation = $3 AND coalesce(position, 0) = $4 AND fence <= $11
    AND indexes @> $13 AND indexes <@ $13
RETURNING *
