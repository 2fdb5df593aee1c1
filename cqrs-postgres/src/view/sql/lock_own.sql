-- The same for code of the projection's own, which runs in the transaction. Where its program stands still meanwhile, or is gone
-- and the server can't tell, the server ends the transaction after this time.
SELECT coalesce(position, 0), fence, set_config('idle_in_transaction_session_timeout', $5, true)
FROM {schema}.projections
WHERE name = $1 AND version = $2 AND generation = $3 AND partition = $4
FOR NO KEY UPDATE
