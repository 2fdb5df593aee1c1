-- Its dead letters go with it.
DELETE FROM projections WHERE name = ?1 AND version = ?2 AND generation = ?3
