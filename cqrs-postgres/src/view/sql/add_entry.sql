INSERT INTO {schema}.coordination ("group", key, revision, value, touched)
VALUES ($1, $2, 1, $3, clock_timestamp())
ON CONFLICT ("group", key) DO NOTHING
RETURNING revision
