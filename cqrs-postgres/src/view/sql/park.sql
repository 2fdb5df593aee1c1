INSERT INTO {schema}.dead_letters (
    projection, projection_version, projection_generation, position, sequence_id, sequence_category, sequence,
    event_id, category, stream_id, version, event, failure, parked_at, attempts, tried_at
)
SELECT $1, $2, $3, letter.*
FROM advanced,
    unnest(
        $14::bigint[], $15::uuid[], $16::text[], $17::text[], $18::uuid[], $19::text[], $20::text[], $21::bigint[],
        $22::text[], $23::text[], $24::timestamptz[], $25::bigint[], $26::timestamptz[]
    ) AS letter
ON CONFLICT (projection, projection_version, projection_generation, position, sequence_id) DO UPDATE
SET sequence_category = excluded.sequence_category, sequence = excluded.sequence,
    event_id = excluded.event_id, category = excluded.category, stream_id = excluded.stream_id,
    version = excluded.version, event = excluded.event, failure = excluded.failure, parked_at = excluded.parked_at,
    attempts = excluded.attempts, tried_at = excluded.tried_at
