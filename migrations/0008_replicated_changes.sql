-- Changes that a session makes while it applies replication: with session_replication_role = replica, as every logical
-- subscription does. Triggers do not fire there unless they are enabled for it, and what applies a subscription fires
-- those of rows alone, with an empty search path. So each trigger of a statement has one of a row beside it, for such
-- sessions only.

CREATE FUNCTION catalogue_record_row() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        PERFORM catalogue_tell(ARRAY[NEW.id], ARRAY[NEW.version]);
    END IF;
    IF TG_OP <> 'INSERT' AND OLD.id IS DISTINCT FROM NEW.id THEN
        PERFORM catalogue_tell_gone(ARRAY[OLD.id]);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION catalogue_count_row() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF OLD.id IS DISTINCT FROM NEW.id THEN
        PERFORM catalogue_count(array_remove(ARRAY[NEW.id], NULL), 1);
        PERFORM catalogue_count(array_remove(ARRAY[OLD.id], NULL), -1);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION catalogue_touch_products_of_row() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    PERFORM catalogue_touch(array_remove(ARRAY[NEW.product_id, OLD.product_id], NULL));
    RETURN NULL;
END $$;

CREATE FUNCTION catalogue_touch_styles_of_row() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    PERFORM catalogue_touch(ARRAY(SELECT product_id FROM styles WHERE id IN (NEW.style_id, OLD.style_id)));
    RETURN NULL;
END $$;

DO $$
DECLARE
    of record;
BEGIN
    FOR of IN SELECT * FROM (VALUES
        ('products', 'replicated', 'catalogue_record_row'), ('products', 'count_replicated', 'catalogue_count_row'),
        ('features', 'replicated', 'catalogue_touch_products_of_row'), ('styles', 'replicated', 'catalogue_touch_products_of_row'),
        ('related_products', 'replicated', 'catalogue_touch_products_of_row'),
        ('photos', 'replicated', 'catalogue_touch_styles_of_row'), ('skus', 'replicated', 'catalogue_touch_styles_of_row')
    ) AS t (relation, name, action) LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION %I()',
            of.name, of.relation, of.action);
        EXECUTE format('ALTER TABLE %I ENABLE REPLICA TRIGGER %I', of.relation, of.name);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER truncated', of.relation);
    END LOOP;
END $$;

ALTER TABLE products ENABLE ALWAYS TRIGGER stamp;
ALTER TABLE products ENABLE ALWAYS TRIGGER count_truncated;

ALTER FUNCTION catalogue_truncated() SET search_path = public;
ALTER FUNCTION catalogue_count_products() SET search_path = public;

-- Row by row in every session, where a setting of its own would cost more than the rest.
CREATE OR REPLACE FUNCTION catalogue_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := nextval('public.catalogue_version');
    RETURN NEW;
END $$;
