-- Appends a batch whole, or nothing of it and says what is known about its streams, commands and events.
--
-- Streams are given once each, with the version that is expected of them (null: any). An event names its stream by its
-- place among them, and how many events further than the expected version it comes; so does a command.
--
-- A stream that this process has brought to its version itself need not be looked at: it is there as long as the log has
-- the anchor, an event that the process appended since. Whether the log has it is seen under the lock.
--
-- Who gets the lock first is first in the log, see docs/adr/0014-appends-lock-and-count-nothing.md. All is looked at under
-- the lock, so that nothing can change between looking and writing. Only a `careful` call looks for the events' ids, and
-- at the exact version of each stream.
CREATE FUNCTION {schema}.append(
    careful boolean,
    anchor uuid,
    anchor_position bigint,
    stream_categories text[],
    stream_ids text[],
    expected bigint[],
    checked_categories text[],
    checked_ids text[],
    checked_versions bigint[],
    checked_commands uuid[],
    checked_events uuid[],
    event_ids uuid[],
    event_streams integer[],
    event_steps bigint[],
    event_categories text[],
    event_stream_ids text[],
    event_names text[],
    event_schemas integer[],
    event_metadata json[],
    event_data json[],
    command_ids uuid[],
    command_fingerprints uuid[],
    command_streams integer[],
    command_steps bigint[],
    command_places bigint[],
    command_events integer[],
    command_answers text[],
    OUT appended boolean,
    OUT other_past boolean,
    OUT head bigint,
    OUT recorded timestamptz,
    OUT versions bigint[],
    OUT known_commands uuid[],
    OUT known_events uuid[]
) LANGUAGE plpgsql AS $$
DECLARE
    head_id uuid;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'appending needs the isolation level read committed, not %',
            current_setting('transaction_isolation') USING ERRCODE = 'feature_not_supported';
    END IF;

    PERFORM FROM {schema}.log FOR UPDATE;

    -- Statements of their own after the lock: they see all that was committed before the lock was free.
    SELECT events.position, events.recorded_at, events.event_id
    INTO head, recorded, head_id
    FROM {schema}.events
    ORDER BY events.position DESC
    LIMIT 1;
    IF anchor IS DISTINCT FROM head_id AND anchor IS NOT NULL THEN
        PERFORM FROM {schema}.events WHERE events.position = anchor_position AND events.event_id = anchor;
        IF NOT FOUND THEN
            appended := false;
            other_past := true;
            RETURN;
        END IF;
    END IF;
    head := coalesce(head, 0);
    recorded := greatest(clock_timestamp(), recorded);

    IF careful THEN
        known_events := ARRAY(
            SELECT events.event_id FROM {schema}.events WHERE events.event_id = ANY (checked_events)
        );
    END IF;

    IF cardinality(checked_commands) > 0 THEN
        known_commands := ARRAY(
            SELECT commands.id FROM {schema}.commands WHERE commands.id = ANY (checked_commands)
        );
    END IF;

    -- The usual case first: all streams are expected to be somewhere, and have got there.
    appended := NOT careful AND array_position(expected, NULL) IS NULL;
    IF appended THEN
        versions := expected;
        -- That a stream is not further is for the unique index to say.
        IF cardinality(checked_versions) > 0 THEN
            PERFORM
            FROM unnest(checked_categories, checked_ids, checked_versions) AS stream (category, id, version)
            WHERE (
                SELECT events.version
                FROM {schema}.events
                WHERE events.category = stream.category
                    AND events.stream_id = stream.id
                    AND events.version = stream.version
            ) IS NULL;
            appended := NOT FOUND;
        END IF;
    END IF;

    IF NOT appended THEN
        SELECT
            array_agg(coalesce(latest.version, 0) ORDER BY stream.place),
            coalesce(bool_and(coalesce(latest.version, 0) = stream.expected), true)
        INTO versions, appended
        FROM unnest(stream_categories, stream_ids, expected)
            WITH ORDINALITY AS stream (category, id, expected, place)
        LEFT JOIN LATERAL (
            SELECT events.version
            FROM {schema}.events
            WHERE events.category = stream.category AND events.stream_id = stream.id
            ORDER BY events.version DESC
            LIMIT 1
        ) AS latest ON true;
    END IF;

    appended := appended AND coalesce(cardinality(known_commands), 0) + coalesce(cardinality(known_events), 0) = 0;
    IF NOT appended THEN
        RETURN;
    END IF;

    -- What is acknowledged survives the loss of power, whatever the database does by default.
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'local', true);
    END IF;

    INSERT INTO {schema}.events (
        position, version, recorded_at, event_id, schema_version, category, stream_id, name, metadata, data
    )
    SELECT
        head + event.place, versions[event.stream] + event.step, recorded, event.id, event.schema,
        event.category, event.stream_id, event.name, event.metadata, event.data
    FROM (
        SELECT
            generate_subscripts(event_ids, 1) AS place, unnest(event_ids) AS id, unnest(event_streams) AS stream,
            unnest(event_steps) AS step, unnest(event_categories) AS category,
            unnest(event_stream_ids) AS stream_id, unnest(event_names) AS name, unnest(event_schemas) AS schema,
            unnest(event_metadata) AS metadata, unnest(event_data) AS data
    ) AS event;

    IF cardinality(command_ids) > 0 THEN
        INSERT INTO {schema}.commands (
            id, fingerprint, version, position, events, category, stream_id, answer
        )
        SELECT
            command.id, command.fingerprint, versions[command.stream] + command.step, head + command.place,
            command.events, stream_categories[command.stream], stream_ids[command.stream], command.answer
        FROM unnest(
            command_ids, command_fingerprints, command_streams, command_steps, command_places, command_events,
            command_answers
        ) AS command (id, fingerprint, stream, step, place, events, answer);
    END IF;

    IF cardinality(event_ids) > 0 THEN
        PERFORM pg_notify('{name}.events', (head + cardinality(event_ids))::text);
    END IF;
END
$$;
