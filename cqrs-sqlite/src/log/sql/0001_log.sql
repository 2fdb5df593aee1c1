CREATE TABLE log (
    id BLOB NOT NULL PRIMARY KEY
) STRICT;

-- There are no CHECKs on what is written with each append: with a trigger they cost a quarter of the insertion.
-- What readers filter by stands before the data, so that passing over an event does not read its data.
CREATE TABLE events (
    position INTEGER NOT NULL PRIMARY KEY,
    event_id BLOB NOT NULL UNIQUE, -- as all ids: 16 bytes
    category TEXT NOT NULL,
    stream_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL, -- microseconds since 1970, UTC
    metadata TEXT NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (category, stream_id, version)
) STRICT;

CREATE TABLE commands (
    id BLOB NOT NULL PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    category TEXT NOT NULL,
    stream_id TEXT NOT NULL,
    version INTEGER NOT NULL, -- of the stream, after the command
    position INTEGER NOT NULL, -- of its last event; without events, the log's head
    events INTEGER NOT NULL, -- how many, up to that position
    answer TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshots (
    category TEXT NOT NULL,
    stream_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    last BLOB NOT NULL, -- the id of the event at `version`
    fingerprint INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (category, stream_id)
) STRICT;

-- An `INSERT OR REPLACE` removes rows without a word to triggers on DELETE, so inserting is guarded as well. `FAIL`
-- rather than `ABORT` spares each insertion a journal of its own; nothing has been written when it is raised.
CREATE TRIGGER events_are_never_replaced BEFORE INSERT ON events
WHEN NEW.position <= (SELECT max(position) FROM events)
    OR EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id)
    OR EXISTS (
        SELECT 1 FROM events
        WHERE category = NEW.category AND stream_id = NEW.stream_id AND version = NEW.version
    )
BEGIN
    SELECT RAISE(FAIL, 'events are never replaced');
END;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;

CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never removed');
END;

CREATE TRIGGER commands_are_never_replaced BEFORE INSERT ON commands
WHEN EXISTS (SELECT 1 FROM commands WHERE id = NEW.id)
BEGIN
    SELECT RAISE(FAIL, 'commands are never replaced');
END;

CREATE TRIGGER commands_are_never_changed BEFORE UPDATE ON commands
BEGIN
    SELECT RAISE(ABORT, 'commands are never changed');
END;

CREATE TRIGGER commands_are_never_removed BEFORE DELETE ON commands
BEGIN
    SELECT RAISE(ABORT, 'commands are never removed');
END;

CREATE TRIGGER a_log_has_one_id BEFORE INSERT ON log
WHEN EXISTS (SELECT 1 FROM log)
BEGIN
    SELECT RAISE(ABORT, 'a log has one id');
END;

CREATE TRIGGER the_log_id_is_never_changed BEFORE UPDATE ON log
BEGIN
    SELECT RAISE(ABORT, 'the id of a log is never changed');
END;

CREATE TRIGGER the_log_id_is_never_removed BEFORE DELETE ON log
BEGIN
    SELECT RAISE(ABORT, 'the id of a log is never removed');
END;
