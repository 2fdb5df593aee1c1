UPDATE {schema}.coordination SET revision = revision + 1, value = $4, touched = clock_timestamp()
WHERE "group" = $1 AND key = $2 AND revision = $3
RETURNING revision
