CREATE TABLE {schema}.commands (
    id uuid NOT NULL PRIMARY KEY,
    fingerprint uuid NOT NULL,
    version bigint NOT NULL, -- of the stream, after the command
    position bigint NOT NULL, -- of its last event; without events, the log's head
    events integer NOT NULL, -- how many, up to that position
    category text COLLATE "C" NOT NULL,
    stream_id text COLLATE "C" NOT NULL,
    answer text
);

CREATE TRIGGER commands_are_never_changed BEFORE UPDATE ON {schema}.commands
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse('commands are never changed');

CREATE TRIGGER commands_are_never_removed BEFORE DELETE OR TRUNCATE ON {schema}.commands
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse('commands are never removed');
