INSERT INTO {schema}.dead_letters (
    projection, projection_version, position, sequence_id, sequence_category, sequence,
    event_id, category, stream_id, version, event, failure, parked_at
)
SELECT $1, $2, letter.*
FROM advanced,
    unnest(
        $11::bigint[], $12::uuid[], $13::text[], $14::text[],
        $15::uuid[], $16::text[], $17::text[], $18::bigint[], $19::text[], $20::text[], $21::timestamptz[]
    ) AS letter
ON CONFLICT (projection, projection_version, position, sequence_id) DO UPDATE
SET sequence_category = excluded.sequence_category, sequence = excluded.sequence,
    event_id = excluded.event_id, category = excluded.category, stream_id = excluded.stream_id,
    version = excluded.version, event = excluded.event, failure = excluded.failure, parked_at = excluded.parked_at
