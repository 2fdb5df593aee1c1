WITH added AS (
    INSERT INTO events (stream, version, name, data, metadata) VALUES ($1, $2, $3, $4, $5) RETURNING position
)
SELECT position, pg_notify('events', '') FROM added
