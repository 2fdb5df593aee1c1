INSERT INTO order_summary (key, applied, customer, lines, total_cents, last_sku)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (key) DO UPDATE SET
    applied = excluded.applied,
    customer = excluded.customer,
    lines = excluded.lines,
    total_cents = excluded.total_cents,
    last_sku = excluded.last_sku
WHERE order_summary.applied < excluded.applied
