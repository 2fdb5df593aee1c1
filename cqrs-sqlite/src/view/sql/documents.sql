-- `{documents}` is the table's quoted name. The columns of the indexes follow, added one by one.
CREATE TABLE {documents} (
    key TEXT NOT NULL PRIMARY KEY,
    created INTEGER NOT NULL, -- position of the event that created it
    applied INTEGER NOT NULL, -- position of the last event that is folded into it
    data TEXT -- null: the trace of a removed document
);
