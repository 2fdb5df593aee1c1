-- `documents` is the table's quoted name. The columns of the indexes follow, added one by one.
-- Indexes hold what is not removed; `removed` says so rather than `data`, which changes more often.
-- Where the indexed values stay as they were, a document is changed without touching any index, but only if its page
-- has room for the new state: half of it is left empty at first.
CREATE TABLE {schema}.{documents} (
    key text COLLATE "C" PRIMARY KEY,
    created bigint NOT NULL, -- position of the event that created it
    applied bigint NOT NULL, -- position of the last event that is folded into it
    removed boolean NOT NULL, -- this is a trace only
    data jsonb -- null where removed
) WITH (fillfactor = 50);
CREATE INDEX ON {schema}.{documents} (created, key) WHERE NOT removed;
