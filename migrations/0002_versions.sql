-- Whoever changes the catalogue, the change gets a version and an outbox row in the same transaction.
--
-- A version is compared within an epoch. A bulk load replaces every product at once and raises the epoch instead of
-- writing a million outbox rows. An epoch is a time in microseconds, so that a cache that outlives its database never
-- takes an old database's entries for a new one's.

CREATE SEQUENCE catalogue_version;

CREATE TABLE catalogue_loads (
    epoch bigint PRIMARY KEY,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    report jsonb NOT NULL
);

CREATE TABLE catalogue_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id integer NOT NULL,
    version bigint NOT NULL,
    epoch bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION catalogue_epoch() RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT max(epoch) FROM catalogue_loads $$;

-- Every cached document becomes a miss. The caller must hold the catalogue's tables locked, or be their first user.
CREATE FUNCTION catalogue_raise_epoch(report jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    raised bigint;
BEGIN
    INSERT INTO catalogue_loads (epoch, report)
    VALUES (greatest(catalogue_epoch() + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint), report)
    RETURNING epoch INTO raised;
    NOTIFY catalogue;
    RETURN raised;
END $$;

SELECT catalogue_raise_epoch('{}');

-- Row by row and before the change, because only then is the product's row locked: its versions rise in commit order.
CREATE FUNCTION catalogue_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := nextval('catalogue_version');
    RETURN NEW;
END $$;

CREATE FUNCTION catalogue_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO catalogue_outbox (product_id, version, epoch)
        SELECT id, version, catalogue_epoch() FROM after;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO catalogue_outbox (product_id, version, epoch)
        SELECT id, nextval('catalogue_version'), catalogue_epoch() FROM before;
    ELSE -- an id that was changed leaves behind a product that is no longer there
        INSERT INTO catalogue_outbox (product_id, version, epoch)
        SELECT id, version, catalogue_epoch() FROM after
        UNION ALL
        SELECT id, nextval('catalogue_version'), catalogue_epoch() FROM before WHERE id NOT IN (SELECT id FROM after);
    END IF;
    IF FOUND THEN
        NOTIFY catalogue;
    END IF;
    RETURN NULL;
END $$;

-- Locks in order of id, so that two bulk changes of the same products cannot wait for each other.
CREATE FUNCTION catalogue_touch(ids integer[]) RETURNS void LANGUAGE sql AS $$
    UPDATE products SET version = version
    FROM (SELECT id FROM products WHERE id = ANY (ids) ORDER BY id FOR UPDATE) AS locked
    WHERE products.id = locked.id;
$$;

CREATE FUNCTION catalogue_touch_products() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM catalogue_touch(ARRAY(SELECT DISTINCT product_id FROM after));
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM catalogue_touch(ARRAY(SELECT DISTINCT product_id FROM before));
    ELSE
        PERFORM catalogue_touch(ARRAY(SELECT product_id FROM after UNION SELECT product_id FROM before));
    END IF;
    RETURN NULL;
END $$;

-- A style deleted in the same statement is not found here; its own trigger touches the product.
CREATE FUNCTION catalogue_touch_styles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM catalogue_touch(ARRAY(
            SELECT product_id FROM styles WHERE id IN (SELECT style_id FROM after)));
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM catalogue_touch(ARRAY(
            SELECT product_id FROM styles WHERE id IN (SELECT style_id FROM before)));
    ELSE
        PERFORM catalogue_touch(ARRAY(
            SELECT product_id FROM styles WHERE id IN (SELECT style_id FROM after UNION SELECT style_id FROM before)));
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION catalogue_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM catalogue_raise_epoch(jsonb_build_object('truncated', TG_TABLE_NAME));
    RETURN NULL;
END $$;

CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON products FOR EACH ROW EXECUTE FUNCTION catalogue_stamp();

-- Transition tables allow one event a trigger: six tables, three events each, and TRUNCATE.
DO $$
DECLARE
    changed record;
BEGIN
    FOR changed IN SELECT * FROM (VALUES
        ('products', 'catalogue_record'), ('features', 'catalogue_touch_products'), ('styles', 'catalogue_touch_products'),
        ('related_products', 'catalogue_touch_products'), ('photos', 'catalogue_touch_styles'), ('skus', 'catalogue_touch_styles')
    ) AS t (relation, action) LOOP
        EXECUTE format('CREATE TRIGGER inserted AFTER INSERT ON %I REFERENCING NEW TABLE AS after
                        FOR EACH STATEMENT EXECUTE FUNCTION %I()', changed.relation, changed.action);
        EXECUTE format('CREATE TRIGGER updated AFTER UPDATE ON %I REFERENCING OLD TABLE AS before NEW TABLE AS after
                        FOR EACH STATEMENT EXECUTE FUNCTION %I()', changed.relation, changed.action);
        EXECUTE format('CREATE TRIGGER deleted AFTER DELETE ON %I REFERENCING OLD TABLE AS before
                        FOR EACH STATEMENT EXECUTE FUNCTION %I()', changed.relation, changed.action);
        EXECUTE format('CREATE TRIGGER truncated AFTER TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION catalogue_truncated()', changed.relation);
    END LOOP;
END $$;
