INSERT INTO projections (name, version, generation, fingerprint, indexes)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (name, version, generation) DO UPDATE
SET fingerprint = excluded.fingerprint, indexes = excluded.indexes
