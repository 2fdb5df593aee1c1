SELECT key, revision, value, max(0.0, unixepoch('subsec') - touched)
FROM coordination WHERE "group" = ?1
ORDER BY key
