-- A build is there with each of its partitions, and has one set of indexes with them.
WITH build AS (
    INSERT INTO {schema}.projections (name, version, generation, partition, fingerprint, indexes, documents)
    SELECT $1, $2, $3, '0/1', $5, $6, $7 WHERE $4 <> '0/1'
    ON CONFLICT (name, version, generation, partition) DO NOTHING
), others AS (
    UPDATE {schema}.projections SET indexes = $6
    WHERE name = $1 AND version = $2 AND generation = $3 AND partition <> $4 AND indexes <> $6
)
INSERT INTO {schema}.projections (name, version, generation, partition, fingerprint, indexes, documents)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (name, version, generation, partition) DO UPDATE
SET fingerprint = excluded.fingerprint, indexes = excluded.indexes
