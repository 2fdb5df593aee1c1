-- One row for each build of each projection, whose documents are in a table of their own; and one for each partition of a
-- build, which has its documents there.
CREATE TABLE {schema}.projections (
    name text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    generation bigint NOT NULL, -- counts how often the version was built anew
    partition text COLLATE "C" NOT NULL, -- '5/64': the sixth of 64; '0/1': the build itself
    fingerprint bigint NOT NULL,
    indexes text[] NOT NULL, -- the same in all rows of a build, like the next
    documents text, -- the table's name; null where the projection writes tables of its own
    -- One more with each batch. It begins beyond that of any build of this name which was removed before, as each of that
    -- one's batches was a transaction with an id of its own.
    revision bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    log uuid, -- null, like the next three, before the first batch
    position bigint,
    head bigint,
    as_of timestamptz,
    last uuid, -- the id of the event at `position`
    diverged boolean NOT NULL DEFAULT FALSE, -- the log was put back
    parked bigint NOT NULL DEFAULT 0,
    fence bigint NOT NULL DEFAULT 0, -- a batch with a smaller fencing number is refused
    standing text NOT NULL DEFAULT 'live', -- else 'building', or 'superseded by' the generation that is asked instead
    partitions bigint NOT NULL DEFAULT 1, -- into how many the build is divided
    PRIMARY KEY (name, version, generation, partition)
) WITH (fillfactor = 10); -- each batch changes its row: let the next state have room beside it

CREATE UNIQUE INDEX projections_documents_key ON {schema}.projections (documents) WHERE partition = '0/1';
