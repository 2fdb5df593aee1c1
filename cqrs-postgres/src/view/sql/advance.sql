-- Moves a projection on, unless it is not where the batch begins, a writer with a greater fencing number was there, or it
-- has other indexes than the batch's writer declares.
UPDATE {schema}.projections
SET log = $6, position = $7, head = $8, as_of = $9, last = $10, diverged = $11, fence = $12, standing = $13,
    partitions = $14, revision = revision + 1, parked = parked + {parked}
WHERE name = $1 AND version = $2 AND generation = $3 AND partition = $4 AND coalesce(position, 0) = $5 AND fence <= $12
    AND indexes @> $15 AND indexes <@ $15
RETURNING *
