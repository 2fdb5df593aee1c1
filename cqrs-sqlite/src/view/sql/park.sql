INSERT OR REPLACE INTO dead_letters (
    projection, projection_version, projection_generation, projection_partition, position, sequence_category, sequence,
    event_id, category, stream_id, version, event, failure, parked_at, attempts, tried_at
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
