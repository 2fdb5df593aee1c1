-- The build, or a partition. Its dead letters go with it.
DELETE FROM projections WHERE name = ?1 AND version = ?2 AND generation = ?3 AND partition = ?4
