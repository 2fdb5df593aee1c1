SELECT data FROM events WHERE stream = $1 ORDER BY version
