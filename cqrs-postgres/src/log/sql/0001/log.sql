-- One row. Who appends locks it, and nobody changes it, see docs/adr/0014-appends-lock-and-count-nothing.md.
CREATE TABLE {schema}.log (
    id uuid NOT NULL PRIMARY KEY
);

CREATE UNIQUE INDEX log_has_one_id ON {schema}.log ((true));

INSERT INTO {schema}.log (id) VALUES (gen_random_uuid());

CREATE TRIGGER log_keeps_its_id BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.log
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse('the id of a log is never changed');
