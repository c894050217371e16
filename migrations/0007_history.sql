-- Which history the epoch is of. A primary that a standby replaced may have handed out versions that the new one hands out
-- again, and so may a database that was put back from a backup; a cache that knows the old ones would keep what was lost.
-- So every connection of the service adopts the database first: in another history, the epoch is raised.

ALTER TABLE current_epoch ADD history text;

-- System identifier and timeline tell clusters and promotions apart. The timeline is the one that is written to: that of
-- pg_control is of the last checkpoint, which comes some time after a promotion. The sequence tells a restored dump.
CREATE FUNCTION catalogue_history() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat_ws('/', system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8),
        (SELECT oid FROM pg_database WHERE datname = current_database()), 'catalogue_version'::regclass::oid)
    FROM pg_control_system()
$$;

UPDATE current_epoch SET history = catalogue_history();

-- $1 the highest epoch that the caller knows of, $2 the highest version, 0 if it knows of none: a database that has less
-- was put back, even if nothing else shows it. Returns the epoch.
CREATE FUNCTION catalogue_adopt(known_epoch bigint, known_version bigint) RETURNS bigint LANGUAGE plpgsql AS $$
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

CREATE FUNCTION catalogue_is_another(known_epoch bigint, known_version bigint) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT epoch < known_epoch OR history IS DISTINCT FROM catalogue_history()
        OR (SELECT last_value FROM catalogue_version) < known_version
    FROM current_epoch
$$;
