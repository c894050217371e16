-- Carts. A cart's id is 128 random bits that only a signed token carries. No foreign key to skus: a bulk load replaces
-- the catalogue under the carts, and a line whose sku is gone is shown as not in stock instead of vanishing.

CREATE TABLE carts (
    id uuid PRIMARY KEY,
    touched_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE cart_lines (
    cart_id uuid NOT NULL REFERENCES carts ON DELETE CASCADE,
    sku_id integer NOT NULL,
    count integer NOT NULL CHECK (count > 0),
    PRIMARY KEY (cart_id, sku_id)
);
