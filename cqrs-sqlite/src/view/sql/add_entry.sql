INSERT INTO coordination ("group", key, revision, value, touched)
VALUES (?1, ?2, 1, ?3, unixepoch('subsec'))
ON CONFLICT ("group", key) DO NOTHING
