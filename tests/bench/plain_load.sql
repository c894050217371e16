-- The load as anybody would write it, and what ours is measured against: the tables, a \copy a file, then keys,
-- indexes, references and statistics. The files must be faultless.
-- psql -v directory=… -v ON_ERROR_STOP=1
\cd :directory
SET search_path = plain;
SET maintenance_work_mem = '256MB';

CREATE TABLE products (
    id integer, name text NOT NULL, slogan text NOT NULL, description text NOT NULL, category text NOT NULL,
    default_price integer NOT NULL
);
CREATE TABLE features (id integer, product_id integer NOT NULL, feature text NOT NULL, value text);
CREATE TABLE styles (
    id integer, product_id integer NOT NULL, name text NOT NULL, sale_price integer, original_price integer NOT NULL,
    default_style boolean NOT NULL
);
CREATE TABLE photos (id integer, style_id integer NOT NULL, url text NOT NULL, thumbnail_url text NOT NULL);
CREATE TABLE skus (id integer, style_id integer NOT NULL, size text NOT NULL, quantity integer NOT NULL);
CREATE TABLE related_products (id integer, product_id integer NOT NULL, related_product_id integer NOT NULL);

\copy products FROM 'product.csv' (FORMAT csv, HEADER, NULL 'null')
\copy features FROM 'features.csv' (FORMAT csv, HEADER, NULL 'null')
\copy styles FROM 'styles.csv' (FORMAT csv, HEADER, NULL 'null')
\copy photos FROM 'photos.csv' (FORMAT csv, HEADER, NULL 'null')
\copy skus FROM 'skus.csv' (FORMAT csv, HEADER, NULL 'null')
\copy related_products FROM 'related.csv' (FORMAT csv, HEADER, NULL 'null')

ALTER TABLE products ADD PRIMARY KEY (id);
ALTER TABLE features ADD PRIMARY KEY (id);
ALTER TABLE styles ADD PRIMARY KEY (id);
ALTER TABLE photos ADD PRIMARY KEY (id);
ALTER TABLE skus ADD PRIMARY KEY (id);
ALTER TABLE related_products ADD PRIMARY KEY (id);

CREATE INDEX ON features (product_id, id);
CREATE INDEX ON styles (product_id, id);
CREATE INDEX ON photos (style_id, id);
CREATE INDEX ON skus (style_id, id);
CREATE INDEX ON related_products (product_id, id);

ALTER TABLE features ADD FOREIGN KEY (product_id) REFERENCES products ON DELETE CASCADE;
ALTER TABLE styles ADD FOREIGN KEY (product_id) REFERENCES products ON DELETE CASCADE;
ALTER TABLE photos ADD FOREIGN KEY (style_id) REFERENCES styles ON DELETE CASCADE;
ALTER TABLE skus ADD FOREIGN KEY (style_id) REFERENCES styles ON DELETE CASCADE;
ALTER TABLE related_products ADD FOREIGN KEY (product_id) REFERENCES products ON DELETE CASCADE;

ANALYZE products, features, styles, photos, skus, related_products;
