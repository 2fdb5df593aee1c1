INSERT INTO {schema}.projections (name, version, generation, fingerprint, indexes, documents)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (name, version, generation) DO UPDATE
SET fingerprint = excluded.fingerprint, indexes = excluded.indexes
