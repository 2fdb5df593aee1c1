CREATE SCHEMA silence;

CREATE FUNCTION silence.pg_notify(channel text, payload text) RETURNS void LANGUAGE sql AS '';
