-- `{documents}` is the table's quoted name. The columns of the indexes follow, added one by one.
-- Indexes hold what is not removed; `removed` says so rather than `data`, which changes more often.
CREATE TABLE {documents} (
    key TEXT NOT NULL PRIMARY KEY,
    created INTEGER NOT NULL, -- position of the event that created it
    applied INTEGER NOT NULL, -- position of the last event that is folded into it
    removed INTEGER NOT NULL, -- 1: this is a trace only
    data TEXT -- null where removed
);
