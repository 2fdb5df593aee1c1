-- A projection that writes tables of its own has no documents here. Tells whether it is one.
WITH declared AS (
    INSERT INTO {schema}.projections (name, version, generation, partition, fingerprint, indexes)
    VALUES ($1, $2, $3, $4, 0, '{}')
    ON CONFLICT (name, version, generation, partition) DO NOTHING
    RETURNING documents
)
SELECT documents IS NULL FROM declared
UNION ALL
SELECT documents IS NULL FROM {schema}.projections
WHERE name = $1 AND version = $2 AND generation = $3 AND partition = $4
