INSERT OR FAIL INTO commands (id, fingerprint, category, stream_id, version, position, events, answer)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
