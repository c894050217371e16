-- The catalogue as the old service's files describe it. Ids are the files' ids; order within a product is order of id.
-- Text and numbers that the HTTP contract promises are NOT NULL; nothing else about the data is corrected.

CREATE TABLE products (
    id integer PRIMARY KEY CHECK (id > 0),
    name text NOT NULL,
    slogan text NOT NULL,
    description text NOT NULL,
    category text NOT NULL,
    default_price integer NOT NULL CHECK (default_price >= 0),
    version bigint NOT NULL
);

CREATE TABLE features (
    id integer PRIMARY KEY CHECK (id > 0),
    product_id integer NOT NULL REFERENCES products ON DELETE CASCADE,
    feature text NOT NULL,
    value text
);

CREATE TABLE styles (
    id integer PRIMARY KEY CHECK (id > 0),
    product_id integer NOT NULL REFERENCES products ON DELETE CASCADE,
    name text NOT NULL,
    original_price integer NOT NULL CHECK (original_price >= 0),
    sale_price integer CHECK (sale_price >= 0),
    default_style boolean NOT NULL
);

CREATE TABLE photos (
    id integer PRIMARY KEY CHECK (id > 0),
    style_id integer NOT NULL REFERENCES styles ON DELETE CASCADE,
    url text NOT NULL,
    thumbnail_url text NOT NULL
);

CREATE TABLE skus (
    id integer PRIMARY KEY CHECK (id > 0),
    style_id integer NOT NULL REFERENCES styles ON DELETE CASCADE,
    size text NOT NULL,
    quantity integer NOT NULL CHECK (quantity >= 0)
);

-- The related product may be one that is not in the catalogue: the old service sends its id all the same.
CREATE TABLE related_products (
    id integer PRIMARY KEY CHECK (id > 0),
    product_id integer NOT NULL REFERENCES products ON DELETE CASCADE,
    related_product_id integer NOT NULL CHECK (related_product_id > 0)
);

-- Parent first, then id: one index range holds a parent's rows in the order in which they are shown.
CREATE INDEX features_in_product ON features (product_id, id);
CREATE INDEX styles_in_product ON styles (product_id, id);
CREATE INDEX photos_in_style ON photos (style_id, id);
CREATE INDEX skus_in_style ON skus (style_id, id);
CREATE INDEX related_products_in_product ON related_products (product_id, id);
