INSERT INTO {schema}.dead_letters (
    projection, projection_version, projection_generation, projection_partition, position, sequence_id,
    sequence_category, sequence, event_id, category, stream_id, version, event, failure, parked_at, attempts, tried_at
)
SELECT $1, $2, $3, $4, letter.*
FROM advanced,
    unnest(
        $16::bigint[], $17::uuid[], $18::text[], $19::text[], $20::uuid[], $21::text[], $22::text[], $23::bigint[],
        $24::text[], $25::text[], $26::timestamptz[], $27::bigint[], $28::timestamptz[]
    ) AS letter
ON CONFLICT (
    projection, projection_version, projection_generation, projection_partition, position, sequence_id
) DO UPDATE
SET sequence_category = excluded.sequence_category, sequence = excluded.sequence,
    event_id = excluded.event_id, category = excluded.category, stream_id = excluded.stream_id,
    version = excluded.version, event = excluded.event, failure = excluded.failure, parked_at = excluded.parked_at,
    attempts = excluded.attempts, tried_at = excluded.tried_at
