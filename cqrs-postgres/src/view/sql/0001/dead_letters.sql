CREATE TABLE {schema}.dead_letters (
    projection text COLLATE "C" NOT NULL,
    projection_version bigint NOT NULL,
    projection_generation bigint NOT NULL,
    projection_partition text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    sequence_id uuid NOT NULL, -- a hash of the next two, which may be longer than what an index holds
    sequence_category text NOT NULL, -- '': `sequence` is a document's key; else it is a stream's id
    sequence text NOT NULL, -- in this and all texts below, `\0` stands for U+0000, and `\\` for `\`
    event_id uuid NOT NULL,
    category text NOT NULL,
    stream_id text NOT NULL,
    version bigint NOT NULL,
    event text NOT NULL,
    failure text, -- null: an earlier event of its sequence is parked
    parked_at timestamptz NOT NULL,
    attempts bigint NOT NULL, -- how often it was tried in vain
    tried_at timestamptz NOT NULL, -- when it was tried last, or parked
    PRIMARY KEY (
        projection, projection_version, projection_generation, projection_partition, position, sequence_id
    ),
    FOREIGN KEY (projection, projection_version, projection_generation, projection_partition)
        REFERENCES {schema}.projections (name, version, generation, partition) ON DELETE CASCADE
);

-- The letters of one sequence, and all sequences.
CREATE INDEX dead_letters_by_sequence ON {schema}.dead_letters (
    projection, projection_version, projection_generation, projection_partition, sequence_id, position
);
