-- The schema after all migrations, as pg_dump describes it. Written by python -m migrations --dump.

-- The body of a function may name a table that comes below it.
SET check_function_bodies = false;

CREATE FUNCTION public.catalogue_adopt(known_epoch bigint, known_version bigint) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT pg_is_in_recovery() AND catalogue_is_another(known_epoch, known_version) THEN
        LOCK TABLE current_epoch IN SHARE ROW EXCLUSIVE MODE;
        IF catalogue_is_another(known_epoch, known_version) THEN -- nobody else was faster
            PERFORM setval('catalogue_version', greatest(nextval('catalogue_version'), known_version));
            UPDATE current_epoch SET epoch = greatest(epoch, known_epoch), history = catalogue_history();
            PERFORM catalogue_raise_epoch(jsonb_build_object('history', catalogue_history()));
        END IF;
    END IF;
    RETURN catalogue_epoch();
END $$;

CREATE FUNCTION public.catalogue_count(ids integer[], change integer) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF ids = '{}' THEN
        RETURN;
    END IF;
    WITH changed AS (
        SELECT of.bits, of.block, of.products * change AS products, free.part
        FROM product_blocks_of(ids) AS of LEFT JOIN LATERAL (
            SELECT part FROM product_blocks WHERE (bits, block) = (of.bits, of.block)
            ORDER BY part LIMIT 1 FOR UPDATE SKIP LOCKED
        ) AS free ON true
    ), made AS (
        INSERT INTO product_blocks (bits, block, products) SELECT bits, block, products FROM changed WHERE part IS NULL
    )
    UPDATE product_blocks AS own SET products = own.products + changed.products
    FROM changed WHERE (own.bits, own.block, own.part) = (changed.bits, changed.block, changed.part);
END $$;

CREATE FUNCTION public.catalogue_count_products() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public'
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM catalogue_count(ARRAY(SELECT id FROM after), 1);
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM catalogue_count(ARRAY(SELECT id FROM before), -1);
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM catalogue_count(ARRAY(SELECT id FROM after EXCEPT SELECT id FROM before), 1);
        PERFORM catalogue_count(ARRAY(SELECT id FROM before EXCEPT SELECT id FROM after), -1);
    ELSE
        TRUNCATE product_blocks;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.catalogue_count_row() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public'
    AS $$
BEGIN
    IF OLD.id IS DISTINCT FROM NEW.id THEN
        PERFORM catalogue_count(array_remove(ARRAY[NEW.id], NULL), 1);
        PERFORM catalogue_count(array_remove(ARRAY[OLD.id], NULL), -1);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.catalogue_epoch() RETURNS bigint
    LANGUAGE sql STABLE
    AS $$ SELECT epoch FROM current_epoch $$;

CREATE FUNCTION public.catalogue_history() RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT concat_ws('/', system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8),
        (SELECT oid FROM pg_database WHERE datname = current_database()), 'catalogue_version'::regclass::oid)
    FROM pg_control_system()
$$;

CREATE FUNCTION public.catalogue_is_another(known_epoch bigint, known_version bigint) RETURNS boolean
    LANGUAGE sql
    AS $$
    SELECT epoch < known_epoch OR history IS DISTINCT FROM catalogue_history()
        OR (SELECT last_value FROM catalogue_version) < known_version
    FROM current_epoch
$$;

CREATE FUNCTION public.catalogue_raise_epoch(report jsonb) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    raised bigint;
BEGIN
    UPDATE current_epoch SET epoch = greatest(epoch + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
    RETURNING epoch INTO raised;
    INSERT INTO catalogue_loads (epoch, report) VALUES (raised, report);
    NOTIFY catalogue;
    RETURN raised;
END $$;

CREATE FUNCTION public.catalogue_record() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        PERFORM catalogue_tell(array_agg(id ORDER BY id), array_agg(version ORDER BY id)) FROM after;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        PERFORM catalogue_tell_gone(ARRAY(SELECT id FROM before EXCEPT SELECT id FROM after));
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM catalogue_tell_gone(ARRAY(SELECT id FROM before));
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.catalogue_record_row() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public'
    AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        PERFORM catalogue_tell(ARRAY[NEW.id], ARRAY[NEW.version]);
    END IF;
    IF TG_OP <> 'INSERT' AND OLD.id IS DISTINCT FROM NEW.id THEN
        PERFORM catalogue_tell_gone(ARRAY[OLD.id]);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.catalogue_stamp() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.version := nextval('public.catalogue_version');
    RETURN NEW;
END $$;

CREATE FUNCTION public.catalogue_tell(ids integer[], risen bigint[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO catalogue_outbox (product_ids, versions, epoch)
    SELECT ids[first:first + 999], risen[first:first + 999], catalogue_epoch()
    FROM generate_series(1, cardinality(ids), 1000) AS first
    ORDER BY first;
    IF FOUND THEN
        NOTIFY catalogue;
    END IF;
END $$;

CREATE FUNCTION public.catalogue_tell_gone(ids integer[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM catalogue_tell(ids, ARRAY(SELECT nextval('catalogue_version') FROM unnest(ids)));
END $$;

CREATE FUNCTION public.catalogue_touch(ids integer[]) RETURNS void
    LANGUAGE sql
    AS $$
    UPDATE products SET version = version
    FROM (SELECT id FROM products WHERE id = ANY (ids) ORDER BY id FOR UPDATE) AS locked
    WHERE products.id = locked.id;
$$;

CREATE FUNCTION public.catalogue_touch_products() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.catalogue_touch_products_of_row() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public'
    AS $$
BEGIN
    PERFORM catalogue_touch(array_remove(ARRAY[NEW.product_id, OLD.product_id], NULL));
    RETURN NULL;
END $$;

CREATE FUNCTION public.catalogue_touch_styles() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.catalogue_touch_styles_of_row() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public'
    AS $$
BEGIN
    PERFORM catalogue_touch(ARRAY(SELECT product_id FROM styles WHERE id IN (NEW.style_id, OLD.style_id)));
    RETURN NULL;
END $$;

CREATE FUNCTION public.catalogue_truncated() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public'
    AS $$
BEGIN
    PERFORM catalogue_raise_epoch(jsonb_build_object('truncated', TG_TABLE_NAME));
    RETURN NULL;
END $$;

CREATE FUNCTION public.product_blocks_of(ids integer[]) RETURNS TABLE(bits integer, block integer, products integer)
    LANGUAGE sql IMMUTABLE
    AS $$
    WITH smallest AS (SELECT id >> 8 AS block, count(*) AS products FROM unnest(ids) AS id GROUP BY 1)
    SELECT bits, block >> (bits - 8), sum(products)::integer
    FROM smallest, unnest('{8,13,18,23,28}'::integer[]) AS bits
    GROUP BY 1, 2;
$$;

CREATE TABLE public.cart_keys (
    cart_id uuid NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    sku_id integer NOT NULL,
    count integer NOT NULL,
    outcome text NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.cart_lines (
    cart_id uuid NOT NULL,
    sku_id integer NOT NULL,
    count integer NOT NULL,
    CONSTRAINT cart_lines_count_check CHECK ((count > 0))
);

CREATE TABLE public.carts (
    id uuid NOT NULL,
    touched_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.catalogue_loads (
    epoch bigint NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL,
    report jsonb NOT NULL
);

CREATE TABLE public.catalogue_outbox (
    id bigint NOT NULL,
    product_ids integer[] NOT NULL,
    versions bigint[] NOT NULL,
    epoch bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT catalogue_outbox_check CHECK ((cardinality(product_ids) = cardinality(versions)))
);

ALTER TABLE public.catalogue_outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.catalogue_outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE SEQUENCE public.catalogue_version
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.current_epoch (
    epoch bigint NOT NULL,
    history text
);

CREATE TABLE public.features (
    id integer NOT NULL,
    product_id integer NOT NULL,
    feature text NOT NULL,
    value text,
    CONSTRAINT features_id_check CHECK ((id > 0))
);

CREATE TABLE public.photos (
    id integer NOT NULL,
    style_id integer NOT NULL,
    url text NOT NULL,
    thumbnail_url text NOT NULL,
    CONSTRAINT photos_id_check CHECK ((id > 0))
);

CREATE TABLE public.product_blocks (
    bits integer NOT NULL,
    block integer NOT NULL,
    part bigint NOT NULL,
    products integer NOT NULL
);

ALTER TABLE public.product_blocks ALTER COLUMN part ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.product_blocks_part_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.products (
    id integer NOT NULL,
    name text NOT NULL,
    slogan text NOT NULL,
    description text NOT NULL,
    category text NOT NULL,
    default_price integer NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT products_default_price_check CHECK ((default_price >= 0)),
    CONSTRAINT products_id_check CHECK ((id > 0))
);

CREATE TABLE public.related_products (
    id integer NOT NULL,
    product_id integer NOT NULL,
    related_product_id integer NOT NULL,
    CONSTRAINT related_products_id_check CHECK ((id > 0)),
    CONSTRAINT related_products_related_product_id_check CHECK ((related_product_id > 0))
);

CREATE TABLE public.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.skus (
    id integer NOT NULL,
    style_id integer NOT NULL,
    size text NOT NULL,
    quantity integer NOT NULL,
    CONSTRAINT skus_id_check CHECK ((id > 0)),
    CONSTRAINT skus_quantity_check CHECK ((quantity >= 0))
);

CREATE TABLE public.styles (
    id integer NOT NULL,
    product_id integer NOT NULL,
    name text NOT NULL,
    original_price integer NOT NULL,
    sale_price integer,
    default_style boolean NOT NULL,
    CONSTRAINT styles_id_check CHECK ((id > 0)),
    CONSTRAINT styles_original_price_check CHECK ((original_price >= 0)),
    CONSTRAINT styles_sale_price_check CHECK ((sale_price >= 0))
);

CREATE TABLE public.watch_events (
    slot smallint NOT NULL,
    number bigint NOT NULL,
    at bigint NOT NULL,
    kind text NOT NULL,
    text text NOT NULL,
    source text NOT NULL,
    CONSTRAINT watch_events_check CHECK ((slot = (number % (1000)::bigint)))
);

CREATE TABLE public.watch_minutes (
    slot smallint NOT NULL,
    minute bigint NOT NULL,
    counts jsonb NOT NULL,
    CONSTRAINT watch_minutes_check CHECK ((slot = (minute % (1440)::bigint)))
);

ALTER TABLE ONLY public.cart_keys
    ADD CONSTRAINT cart_keys_pkey PRIMARY KEY (cart_id, key);

ALTER TABLE ONLY public.cart_lines
    ADD CONSTRAINT cart_lines_pkey PRIMARY KEY (cart_id, sku_id);

ALTER TABLE ONLY public.carts
    ADD CONSTRAINT carts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.catalogue_loads
    ADD CONSTRAINT catalogue_loads_pkey PRIMARY KEY (epoch);

ALTER TABLE ONLY public.catalogue_outbox
    ADD CONSTRAINT catalogue_outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.features
    ADD CONSTRAINT features_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.photos
    ADD CONSTRAINT photos_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.product_blocks
    ADD CONSTRAINT product_blocks_pkey PRIMARY KEY (bits, block, part);

ALTER TABLE ONLY public.products
    ADD CONSTRAINT products_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.related_products
    ADD CONSTRAINT related_products_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.skus
    ADD CONSTRAINT skus_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.styles
    ADD CONSTRAINT styles_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.watch_events
    ADD CONSTRAINT watch_events_pkey PRIMARY KEY (slot);

ALTER TABLE ONLY public.watch_minutes
    ADD CONSTRAINT watch_minutes_pkey PRIMARY KEY (slot);

CREATE INDEX cart_keys_added_at ON public.cart_keys USING brin (added_at) WITH (autosummarize='on');

CREATE INDEX carts_touched_at ON public.carts USING brin (touched_at) WITH (autosummarize='on');

CREATE UNIQUE INDEX current_epoch_is_one ON public.current_epoch USING btree ((true));

CREATE INDEX features_in_product ON public.features USING btree (product_id, id);

CREATE INDEX photos_in_style ON public.photos USING btree (style_id, id);

CREATE INDEX related_products_in_product ON public.related_products USING btree (product_id, id);

CREATE INDEX skus_in_style ON public.skus USING btree (style_id, id);

CREATE INDEX styles_in_product ON public.styles USING btree (product_id, id);

CREATE TRIGGER count_deleted AFTER DELETE ON public.products REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_count_products();

CREATE TRIGGER count_inserted AFTER INSERT ON public.products REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_count_products();

CREATE TRIGGER count_replicated AFTER INSERT OR DELETE OR UPDATE ON public.products FOR EACH ROW EXECUTE FUNCTION public.catalogue_count_row();

ALTER TABLE public.products ENABLE REPLICA TRIGGER count_replicated;

CREATE TRIGGER count_truncated AFTER TRUNCATE ON public.products FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_count_products();

ALTER TABLE public.products ENABLE ALWAYS TRIGGER count_truncated;

CREATE TRIGGER count_updated AFTER UPDATE ON public.products REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_count_products();

CREATE TRIGGER deleted AFTER DELETE ON public.features REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_touch_products();

CREATE TRIGGER deleted AFTER DELETE ON public.photos REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_touch_styles();

CREATE TRIGGER deleted AFTER DELETE ON public.products REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_record();

CREATE TRIGGER deleted AFTER DELETE ON public.related_products REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_touch_products();

CREATE TRIGGER deleted AFTER DELETE ON public.skus REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_touch_styles();

CREATE TRIGGER deleted AFTER DELETE ON public.styles REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_touch_products();

CREATE TRIGGER inserted AFTER INSERT ON public.features REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_touch_products();

CREATE TRIGGER inserted AFTER INSERT ON public.photos REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_touch_styles();

CREATE TRIGGER inserted AFTER INSERT ON public.products REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_record();

CREATE TRIGGER inserted AFTER INSERT ON public.related_products REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_touch_products();

CREATE TRIGGER inserted AFTER INSERT ON public.skus REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_touch_styles();

CREATE TRIGGER inserted AFTER INSERT ON public.styles REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_touch_products();

CREATE TRIGGER replicated AFTER INSERT OR DELETE OR UPDATE ON public.features FOR EACH ROW EXECUTE FUNCTION public.catalogue_touch_products_of_row();

ALTER TABLE public.features ENABLE REPLICA TRIGGER replicated;

CREATE TRIGGER replicated AFTER INSERT OR DELETE OR UPDATE ON public.photos FOR EACH ROW EXECUTE FUNCTION public.catalogue_touch_styles_of_row();

ALTER TABLE public.photos ENABLE REPLICA TRIGGER replicated;

CREATE TRIGGER replicated AFTER INSERT OR DELETE OR UPDATE ON public.products FOR EACH ROW EXECUTE FUNCTION public.catalogue_record_row();

ALTER TABLE public.products ENABLE REPLICA TRIGGER replicated;

CREATE TRIGGER replicated AFTER INSERT OR DELETE OR UPDATE ON public.related_products FOR EACH ROW EXECUTE FUNCTION public.catalogue_touch_products_of_row();

ALTER TABLE public.related_products ENABLE REPLICA TRIGGER replicated;

CREATE TRIGGER replicated AFTER INSERT OR DELETE OR UPDATE ON public.skus FOR EACH ROW EXECUTE FUNCTION public.catalogue_touch_styles_of_row();

ALTER TABLE public.skus ENABLE REPLICA TRIGGER replicated;

CREATE TRIGGER replicated AFTER INSERT OR DELETE OR UPDATE ON public.styles FOR EACH ROW EXECUTE FUNCTION public.catalogue_touch_products_of_row();

ALTER TABLE public.styles ENABLE REPLICA TRIGGER replicated;

CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON public.products FOR EACH ROW EXECUTE FUNCTION public.catalogue_stamp();

ALTER TABLE public.products ENABLE ALWAYS TRIGGER stamp;

CREATE TRIGGER truncated AFTER TRUNCATE ON public.features FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_truncated();

ALTER TABLE public.features ENABLE ALWAYS TRIGGER truncated;

CREATE TRIGGER truncated AFTER TRUNCATE ON public.photos FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_truncated();

ALTER TABLE public.photos ENABLE ALWAYS TRIGGER truncated;

CREATE TRIGGER truncated AFTER TRUNCATE ON public.products FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_truncated();

ALTER TABLE public.products ENABLE ALWAYS TRIGGER truncated;

CREATE TRIGGER truncated AFTER TRUNCATE ON public.related_products FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_truncated();

ALTER TABLE public.related_products ENABLE ALWAYS TRIGGER truncated;

CREATE TRIGGER truncated AFTER TRUNCATE ON public.skus FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_truncated();

ALTER TABLE public.skus ENABLE ALWAYS TRIGGER truncated;

CREATE TRIGGER truncated AFTER TRUNCATE ON public.styles FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_truncated();

ALTER TABLE public.styles ENABLE ALWAYS TRIGGER truncated;

CREATE TRIGGER updated AFTER UPDATE ON public.features REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_touch_products();

CREATE TRIGGER updated AFTER UPDATE ON public.photos REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_touch_styles();

CREATE TRIGGER updated AFTER UPDATE ON public.products REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_record();

CREATE TRIGGER updated AFTER UPDATE ON public.related_products REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_touch_products();

CREATE TRIGGER updated AFTER UPDATE ON public.skus REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_touch_styles();

CREATE TRIGGER updated AFTER UPDATE ON public.styles REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_touch_products();

ALTER TABLE ONLY public.features
    ADD CONSTRAINT features_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.products(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.photos
    ADD CONSTRAINT photos_style_id_fkey FOREIGN KEY (style_id) REFERENCES public.styles(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.related_products
    ADD CONSTRAINT related_products_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.products(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.skus
    ADD CONSTRAINT skus_style_id_fkey FOREIGN KEY (style_id) REFERENCES public.styles(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.styles
    ADD CONSTRAINT styles_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.products(id) ON DELETE CASCADE;
