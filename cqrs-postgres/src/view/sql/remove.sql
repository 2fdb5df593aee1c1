-- The build with its partitions, or a partition. The dead letters of each go with it. Whoever watches is told of no
-- checkpoint, with a revision beyond that of all batches before.
WITH removed AS (
    DELETE FROM {schema}.projections
    WHERE name = $1 AND version = $2 AND generation = $3 AND (partition = $4 OR $4 = '0/1')
    RETURNING
        name, version, generation, partition, greatest(revision + 1, pg_current_xact_id()::text::bigint) AS revision
)
SELECT
    revision,
    partition,
    pg_notify('{name}.progress', json_build_array(name, version, generation, partition, revision, NULL)::text)
FROM removed
