-- `last` is the id of the event at `version`.
CREATE TABLE {schema}.snapshots (
    category text COLLATE "C" NOT NULL,
    stream_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    last uuid NOT NULL,
    fingerprint bigint NOT NULL,
    data json NOT NULL,
    PRIMARY KEY (category, stream_id)
);
