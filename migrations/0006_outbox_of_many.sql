-- An outbox row names up to a thousand products that one statement changed, so that a feed of many changes a second leaves
-- few rows: to read past deleted ones is what slows a queue while some long transaction keeps vacuum from them.
--
-- Plans of trigger functions are kept for a session and made for the first change in it. So nothing here may cost more
-- than its rows under any plan: EXCEPT compares by hashing or sorting, NOT IN row by row where its set looked too large.
--
-- Whatever reads the outbox has to be restarted after this. Rows that wait are carried over.

ALTER TABLE catalogue_outbox
    ALTER product_id TYPE integer[] USING ARRAY[product_id],
    ALTER version TYPE bigint[] USING ARRAY[version];
ALTER TABLE catalogue_outbox RENAME product_id TO product_ids;
ALTER TABLE catalogue_outbox RENAME version TO versions;
ALTER TABLE catalogue_outbox ADD CHECK (cardinality(product_ids) = cardinality(versions));

CREATE FUNCTION catalogue_tell(ids integer[], risen bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalogue_outbox (product_ids, versions, epoch)
    SELECT ids[first:first + 999], risen[first:first + 999], catalogue_epoch()
    FROM generate_series(1, cardinality(ids), 1000) AS first
    ORDER BY first;
    IF FOUND THEN
        NOTIFY catalogue;
    END IF;
END $$;

-- An id that was changed leaves behind a product that is no longer there, like one that was deleted.
CREATE FUNCTION catalogue_tell_gone(ids integer[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM catalogue_tell(ids, ARRAY(SELECT nextval('catalogue_version') FROM unnest(ids)));
END $$;

CREATE OR REPLACE FUNCTION catalogue_record() RETURNS trigger LANGUAGE plpgsql AS $$
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
