INSERT INTO projections (name, version, generation, partition, fingerprint, indexes)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (name, version, generation, partition) DO UPDATE
SET fingerprint = excluded.fingerprint, indexes = excluded.indexes
