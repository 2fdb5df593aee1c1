-- The column of a declared index, its B-tree to sort by the value, and the one to sort what has the same value by its
-- creation. They are dropped with their column.
ALTER TABLE {schema}.{documents} ADD COLUMN {column} bytea;
CREATE INDEX ON {schema}.{documents} ({column}, key) WHERE NOT removed;
CREATE INDEX ON {schema}.{documents} ({column}, created, key) WHERE NOT removed;
