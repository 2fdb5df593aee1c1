-- Moves many partitions of a build on, each as `advance.sql` does.
UPDATE {schema}.projections AS known
SET log = move.log, position = move.position, head = move.head, as_of = move.as_of, last = move.last,
    diverged = move.diverged, fence = move.fence, standing = move.standing, partitions = move.partitions,
    revision = known.revision + 1
FROM unnest(
    $5::text[], $6::bigint[], $7::uuid[], $8::bigint[], $9::bigint[], $10::timestamptz[], $11::uuid[], $12::boolean[],
    $13::bigint[], $14::text[], $15::bigint[]
) AS move (partition, expected, log, position, head, as_of, last, diverged, fence, standing, partitions)
WHERE known.name = $1 AND known.version = $2 AND known.generation = $3 AND known.partition = move.partition
    AND coalesce(known.position, 0) = move.expected AND known.fence <= move.fence
    AND known.indexes @> $4 AND known.indexes <@ $4
RETURNING known.*
