pg_notify(
    '{name}.progress',
    json_build_array(
        name, version, revision, log, position, head, as_of AT TIME ZONE 'UTC', last, diverged, parked
    )::text
)
