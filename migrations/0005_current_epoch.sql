-- The epoch by itself: every document is read together with it, and the one row of a table is found at a fraction of the
-- cost of the highest key of an index.

CREATE TABLE current_epoch (epoch bigint NOT NULL);
CREATE UNIQUE INDEX current_epoch_is_one ON current_epoch ((true));

LOCK TABLE catalogue_loads IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO current_epoch SELECT max(epoch) FROM catalogue_loads;

CREATE OR REPLACE FUNCTION catalogue_epoch() RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT epoch FROM current_epoch $$;

CREATE OR REPLACE FUNCTION catalogue_raise_epoch(report jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    raised bigint;
BEGIN
    UPDATE current_epoch SET epoch = greatest(epoch + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
    RETURNING epoch INTO raised;
    INSERT INTO catalogue_loads (epoch, report) VALUES (raised, report);
    NOTIFY catalogue;
    RETURN raised;
END $$;
