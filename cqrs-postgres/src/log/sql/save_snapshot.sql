INSERT INTO {schema}.snapshots AS kept (category, stream_id, version, fingerprint, data)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (category, stream_id) DO UPDATE
SET version = excluded.version, fingerprint = excluded.fingerprint, data = excluded.data
WHERE kept.fingerprint <> excluded.fingerprint OR kept.version < excluded.version
