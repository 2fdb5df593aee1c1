-- A build is there with each of its partitions.
INSERT INTO projections (name, version, generation, partition, fingerprint, indexes)
VALUES (?1, ?2, ?3, '0/1', ?4, ?5)
ON CONFLICT (name, version, generation, partition) DO NOTHING
