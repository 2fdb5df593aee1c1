-- One row is written whole or not at all: `FAIL` says so to SQLite, which then needs no journal for the statement.
INSERT OR FAIL INTO events (
    position, event_id, category, stream_id, version, name, schema_version, recorded_at, metadata, data
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
