-- How many events are parked by these letters, and were not before: one event may be in several sequences.
SELECT count(DISTINCT letter.position)
FROM unnest($16::bigint[]) AS letter (position)
WHERE NOT EXISTS (
    SELECT FROM {schema}.dead_letters AS known
    WHERE known.projection = $1 AND known.projection_version = $2 AND known.projection_generation = $3
        AND known.projection_partition = $4 AND known.position = letter.position
)
