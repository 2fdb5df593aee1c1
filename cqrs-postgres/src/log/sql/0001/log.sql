-- One row. Who appends locks it, and nobody changes it: so the log's order is that of the locks, and no dead row is left
-- behind, which a counter would leave with each append for as long as any transaction of the database is open.
CREATE TABLE {schema}.log (
    id uuid NOT NULL PRIMARY KEY
);

CREATE UNIQUE INDEX log_has_one_id ON {schema}.log ((true));

INSERT INTO {schema}.log (id) VALUES (gen_random_uuid());

CREATE TRIGGER log_keeps_its_id BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.log
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse('the id of a log is never changed');
