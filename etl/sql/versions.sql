-- All products of a load have one version: a load is told apart by its epoch.
DO $$ BEGIN
    EXECUTE format('ALTER TABLE loading.products ALTER version SET DEFAULT %s', nextval('catalogue_version'));
END $$;
