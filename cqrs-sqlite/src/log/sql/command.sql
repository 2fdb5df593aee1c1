SELECT fingerprint, category, stream_id, version, position, events, answer FROM commands WHERE id = ?1
