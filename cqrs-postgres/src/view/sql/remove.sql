-- Its dead letters go with it. Whoever watches is told of no checkpoint, with a revision beyond that of all batches before.
WITH removed AS (
    DELETE FROM {schema}.projections WHERE name = $1 AND version = $2 AND generation = $3
    RETURNING name, version, generation, greatest(revision + 1, pg_current_xact_id()::text::bigint) AS revision
)
SELECT
    revision,
    pg_notify('{name}.progress', json_build_array(name, version, generation, revision, NULL)::text)
FROM removed
