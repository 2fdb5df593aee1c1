-- All of a build. Their dead letters go with them.
DELETE FROM projections WHERE name = ?1 AND version = ?2 AND generation = ?3
