-- How many events are parked no more, as the last of their letters are taken away.
SELECT count(DISTINCT gone.position)
FROM {schema}.dead_letters AS gone
WHERE gone.projection = $1 AND gone.projection_version = $2 AND gone.projection_generation = $3
    AND gone.projection_partition = $4
    AND gone.position = ANY ($29::bigint[]) AND gone.position <> ALL ($16::bigint[])
    AND NOT EXISTS (
        SELECT FROM {schema}.dead_letters AS kept
        WHERE kept.projection = $1 AND kept.projection_version = $2 AND kept.projection_generation = $3
            AND kept.projection_partition = $4 AND kept.position = gone.position
            AND NOT EXISTS (
                SELECT FROM unnest($29::bigint[], $30::uuid[]) AS letter (position, sequence_id)
                WHERE letter.position = kept.position AND letter.sequence_id = kept.sequence_id
            )
    )
