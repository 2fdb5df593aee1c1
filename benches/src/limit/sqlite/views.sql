CREATE TABLE order_summary (
    key TEXT PRIMARY KEY,
    applied INTEGER NOT NULL,
    customer TEXT NOT NULL,
    lines INTEGER NOT NULL,
    total_cents INTEGER NOT NULL,
    last_sku TEXT NOT NULL
) STRICT;

CREATE INDEX order_summary_customer ON order_summary (customer);
