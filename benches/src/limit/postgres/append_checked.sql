WITH fitting AS MATERIALIZED (
    SELECT new.*, row_number() OVER (ORDER BY new.at) AS nth
    FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[])
        WITH ORDINALITY AS new (stream, version, data, metadata, at)
    WHERE NOT EXISTS (
        SELECT FROM events WHERE events.stream = new.stream AND events.version = new.version
    )
),
counter AS (
    UPDATE log SET position = position + (SELECT count(*) FROM fitting)
    RETURNING position - (SELECT count(*) FROM fitting) AS before
),
added AS (
    INSERT INTO events (position, stream, version, name, data, metadata)
    SELECT counter.before + nth, stream, version, 'line_added', data, metadata FROM counter, fitting
)
SELECT at FROM fitting
