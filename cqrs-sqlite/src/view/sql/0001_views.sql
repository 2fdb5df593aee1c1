-- One row for each build of each projection, whose documents are in a table of their own; and one for each partition of a
-- build, which has its documents there.
CREATE TABLE projections (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    generation INTEGER NOT NULL, -- counts how often the version was built anew
    partition TEXT NOT NULL, -- '5/64': the sixth of 64; '0/1': the build itself
    fingerprint INTEGER NOT NULL,
    indexes TEXT NOT NULL, -- a JSON array of names, the same in all rows of a build
    log BLOB CHECK (length(log) = 16), -- null, like the next three, before the first batch
    position INTEGER,
    head INTEGER,
    as_of INTEGER, -- microseconds since 1970, UTC
    last BLOB CHECK (length(last) = 16), -- the id of the event at `position`
    diverged INTEGER NOT NULL DEFAULT 0, -- 1: the log was put back
    parked INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0, -- a batch with a smaller fencing number is refused
    standing TEXT NOT NULL DEFAULT 'live', -- else 'building', or 'superseded by' the generation that is asked instead
    partitions INTEGER NOT NULL DEFAULT 1, -- into how many the build is divided
    PRIMARY KEY (name, version, generation, partition)
) STRICT;

CREATE TABLE dead_letters (
    projection TEXT NOT NULL,
    projection_version INTEGER NOT NULL,
    projection_generation INTEGER NOT NULL,
    projection_partition TEXT NOT NULL,
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
    attempts INTEGER NOT NULL, -- how often it was tried in vain
    tried_at INTEGER NOT NULL, -- microseconds since 1970, UTC: when it was tried last, or parked
    PRIMARY KEY (
        projection, projection_version, projection_generation, projection_partition, position, sequence_category,
        sequence
    ),
    FOREIGN KEY (projection, projection_version, projection_generation, projection_partition)
        REFERENCES projections (name, version, generation, partition) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- The letters of one sequence, and all sequences.
CREATE INDEX dead_letters_by_sequence ON dead_letters (
    projection, projection_version, projection_generation, projection_partition, sequence_category, sequence, position
);

-- What processes tell each other, such as who runs a projection.
CREATE TABLE coordination (
    "group" TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL, -- how often it was put
    value TEXT NOT NULL, -- JSON
    touched REAL NOT NULL, -- seconds since 1970, UTC: when it was put or touched last
    PRIMARY KEY ("group", key)
) STRICT, WITHOUT ROWID;
