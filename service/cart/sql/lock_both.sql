-- lock_both: creates two carts that may not exist yet and locks both until the transaction ends, in the order of their
-- ids as lock_carts does: transactions that lock the same carts wait for each other in one direction only.
-- $1 ids of two different carts.
INSERT INTO carts (id) SELECT id FROM unnest($1::uuid[]) AS asked (id) ORDER BY id
ON CONFLICT (id) DO UPDATE SET touched_at = now() WHERE carts.touched_at < now() - interval '1 hour'
