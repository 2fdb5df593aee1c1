-- One row for each version of each projection; its documents are in a table of their own.
CREATE TABLE projections (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    indexes TEXT NOT NULL, -- a JSON array of names
    log BLOB CHECK (length(log) = 16), -- null, like the next three, before the first batch
    position INTEGER,
    head INTEGER,
    as_of INTEGER, -- microseconds since 1970, UTC
    last BLOB CHECK (length(last) = 16), -- the id of the event at `position`
    diverged INTEGER NOT NULL DEFAULT 0, -- 1: the log was put back
    parked INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (name, version)
) STRICT;

CREATE TABLE dead_letters (
    projection TEXT NOT NULL,
    projection_version INTEGER NOT NULL,
    position INTEGER NOT NULL,
    sequence_category TEXT NOT NULL, -- '': `sequence` is a document's key; else it is a stream's id
    sequence TEXT NOT NULL,
    event_id BLOB NOT NULL CHECK (length(event_id) = 16),
    category TEXT NOT NULL,
    stream_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    event TEXT NOT NULL,
    failure TEXT, -- null: an earlier event of its sequence is parked
    parked_at INTEGER NOT NULL, -- microseconds since 1970, UTC
    PRIMARY KEY (projection, projection_version, position, sequence_category, sequence),
    FOREIGN KEY (projection, projection_version) REFERENCES projections (name, version)
) STRICT, WITHOUT ROWID;
