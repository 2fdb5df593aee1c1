DELETE FROM {schema}.dead_letters AS known
USING advanced, unnest($29::bigint[], $30::uuid[]) AS letter (position, sequence_id)
WHERE known.projection = $1 AND known.projection_version = $2 AND known.projection_generation = $3
    AND known.projection_partition = $4 AND known.position = letter.position AND known.sequence_id = letter.sequence_id
