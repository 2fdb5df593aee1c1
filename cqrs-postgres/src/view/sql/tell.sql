pg_notify(
    '{name}.progress',
    json_build_array(
        name, version, generation, partition, revision,
        json_build_array(
            log, position, head, as_of AT TIME ZONE 'UTC', last, diverged, parked, fence, standing, partitions
        )
    )::text
)
