-- Idempotency keys of additions: the body that came with a key and its outcome, stored in the transaction of the
-- addition. No foreign key to carts: repeating an addition to a cart that was deleted meanwhile must not add again.

CREATE TABLE cart_keys (
    cart_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    sku_id integer NOT NULL,
    count integer NOT NULL,
    outcome text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (cart_id, key)
);

-- For sweeping by age: rows lie about in the order of time, and these indexes cost an addition nothing.
CREATE INDEX cart_keys_added_at ON cart_keys USING brin (added_at) WITH (autosummarize = on);
CREATE INDEX carts_touched_at ON carts USING brin (touched_at) WITH (autosummarize = on);

-- Lines are written and deleted in transactions that have locked their cart, so the check of each line finds nothing;
-- it is a sixth of the cost of an addition.
ALTER TABLE cart_lines DROP CONSTRAINT cart_lines_cart_id_fkey;
