SELECT stream, data FROM events WHERE stream = ANY ($1) ORDER BY stream, version
