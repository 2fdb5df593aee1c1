INSERT INTO {schema}.projections (name, version, fingerprint, indexes, documents)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (name, version) DO UPDATE SET fingerprint = excluded.fingerprint, indexes = excluded.indexes
