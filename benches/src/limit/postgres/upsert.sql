INSERT INTO order_summary
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[])
ON CONFLICT (key) DO UPDATE SET
    applied = excluded.applied,
    customer = excluded.customer,
    lines = excluded.lines,
    total_cents = excluded.total_cents,
    last_sku = excluded.last_sku
WHERE order_summary.applied < excluded.applied
