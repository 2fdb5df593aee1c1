SELECT version, last, data FROM {schema}.snapshots WHERE category = $1 AND stream_id = $2 AND fingerprint = $3
