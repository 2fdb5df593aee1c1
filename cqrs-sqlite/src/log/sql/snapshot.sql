SELECT version, last, data FROM snapshots WHERE category = ?1 AND stream_id = ?2 AND fingerprint = ?3
