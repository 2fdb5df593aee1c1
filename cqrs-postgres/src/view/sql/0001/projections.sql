-- One row for each version of each projection; its documents are in a table of their own.
CREATE TABLE {schema}.projections (
    name text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    fingerprint bigint NOT NULL,
    indexes text[] NOT NULL,
    documents text NOT NULL UNIQUE, -- the table's name
    revision bigint NOT NULL DEFAULT 0, -- how many batches were written
    log uuid, -- null, like the next three, before the first batch
    position bigint,
    head bigint,
    as_of timestamptz,
    last uuid, -- the id of the event at `position`
    diverged boolean NOT NULL DEFAULT FALSE, -- the log was put back
    parked bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (name, version)
) WITH (fillfactor = 10); -- each batch changes its row: let the next state have room beside it
