-- All products of a load have one version: loads differ by their epoch.
DO $$ BEGIN
    EXECUTE format('ALTER TABLE loading.products ALTER version SET DEFAULT %s', nextval('catalogue_version'));
END $$;
