CREATE TABLE order_summary (
    key text PRIMARY KEY,
    applied bigint NOT NULL,
    customer text NOT NULL,
    lines bigint NOT NULL,
    total_cents bigint NOT NULL,
    last_sku text NOT NULL
);

CREATE INDEX ON order_summary (customer);
