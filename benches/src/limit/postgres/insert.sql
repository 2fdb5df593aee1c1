INSERT INTO events (stream, version, name, data, metadata) VALUES ($1, $2, $3, $4, $5)
