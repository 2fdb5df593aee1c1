WITH counter AS (UPDATE log SET position = position + $1 RETURNING position - $1 AS before),
added AS (
    INSERT INTO events (position, stream, version, name, data, metadata)
    SELECT counter.before + new.at, new.stream, new.version, 'line_added', new.data, new.metadata
    FROM counter, unnest($2::text[], $3::bigint[], $4::text[], $5::text[])
        WITH ORDINALITY AS new (stream, version, data, metadata, at)
    RETURNING position
)
SELECT pg_notify('appended', max(position)::text) FROM added
