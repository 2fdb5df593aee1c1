UPDATE {schema}.coordination AS entry SET touched = clock_timestamp()
FROM unnest($2::text[], $3::bigint[]) AS held (key, revision)
WHERE entry."group" = $1 AND entry.key = held.key AND entry.revision = held.revision
RETURNING entry.key, entry.revision
