INSERT INTO projections (name, version, fingerprint, indexes)
VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (name, version) DO UPDATE SET fingerprint = excluded.fingerprint, indexes = excluded.indexes
