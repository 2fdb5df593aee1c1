-- Appends one event behind the anchor, where that is the head of the log; else nothing, and answers with nulls.
--
-- That the stream is not at the version yet is for the unique index to say.
CREATE FUNCTION {schema}.append_one(
    anchor uuid,
    new_version bigint,
    new_id uuid,
    new_schema integer,
    new_category text,
    new_stream text,
    new_name text,
    new_metadata json,
    new_data json,
    OUT appended_at bigint,
    OUT recorded timestamptz
) LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RETURN;
    END IF;

    PERFORM FROM {schema}.log FOR UPDATE;

    -- A statement of its own after the lock: it sees all that was committed before the lock was free.
    INSERT INTO {schema}.events (
        position, version, recorded_at, event_id, schema_version, category, stream_id, name, metadata, data
    )
    SELECT
        head.position + 1, new_version, greatest(clock_timestamp(), head.recorded_at), new_id, new_schema,
        new_category, new_stream, new_name, new_metadata, new_data
    FROM (
        SELECT events.position, events.recorded_at, events.event_id
        FROM {schema}.events
        ORDER BY events.position DESC
        LIMIT 1
    ) AS head
    WHERE head.event_id = anchor
    RETURNING events.position, events.recorded_at INTO appended_at, recorded;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    -- What is acknowledged survives the loss of power, whatever the database does by default.
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'local', true);
    END IF;

    PERFORM pg_notify('{name}.events', appended_at::text);
END
$$;
