-- Keeps a projection from moving on until the transaction ends.
SELECT coalesce(position, 0), fence FROM {schema}.projections
WHERE name = $1 AND version = $2 AND generation = $3 AND partition = $4
FOR NO KEY UPDATE
