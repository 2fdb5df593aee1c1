-- What processes tell each other, such as who runs a projection.
CREATE TABLE {schema}.coordination (
    "group" text COLLATE "C" NOT NULL, -- in this and the next, `\0` stands for U+0000, and `\\` for `\`
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL, -- how often it was put
    value json NOT NULL,
    touched timestamptz NOT NULL, -- when it was put or touched last, by the clock of this server
    PRIMARY KEY ("group", key)
) WITH (fillfactor = 50);
