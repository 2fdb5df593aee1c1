-- Their ages in microseconds.
SELECT
    key, revision, value, greatest(0, (extract(epoch FROM clock_timestamp() - touched) * 1000000)::bigint)
FROM {schema}.coordination
WHERE "group" = $1
