SELECT position, stream, data FROM events WHERE position > $1 ORDER BY position
