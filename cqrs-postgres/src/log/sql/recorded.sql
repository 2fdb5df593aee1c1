SELECT event_id, position, version, recorded_at, category, stream_id FROM {schema}.events WHERE event_id = ANY ($1)
