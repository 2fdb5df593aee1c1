CREATE TABLE log (position bigint NOT NULL);

INSERT INTO log VALUES (0);

CREATE SEQUENCE positions CACHE 1;

CREATE TABLE events (
    position bigint PRIMARY KEY DEFAULT nextval('positions'),
    stream text NOT NULL,
    version bigint NOT NULL,
    name text NOT NULL,
    data text NOT NULL,
    metadata text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (stream, version)
);
