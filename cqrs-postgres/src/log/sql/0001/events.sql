-- `json` keeps a text to the byte, where `jsonb` does not. Names are compared byte by byte.
CREATE TABLE {schema}.events (
    position bigint NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    event_id uuid NOT NULL UNIQUE,
    schema_version integer NOT NULL,
    category text COLLATE "C" NOT NULL,
    stream_id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    metadata json NOT NULL,
    data json NOT NULL,
    UNIQUE (category, stream_id, version)
);

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON {schema}.events
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse('events are never changed');

CREATE TRIGGER events_are_never_removed BEFORE DELETE OR TRUNCATE ON {schema}.events
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse('events are never removed');
