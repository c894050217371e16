-- All that makes a schema what it is, as rows of text that are equal where the schemas are. Postgres 15 to 18: the
-- names of NOT NULL constraints, which 18 added, are left out.
SET LOCAL search_path = pg_catalog;

WITH own AS (
    SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), relation AS (
    SELECT oid, oid::regclass::text AS name, relkind, relacl, relowner, reloptions, relpersistence
    FROM pg_class WHERE relnamespace IN (SELECT oid FROM own) AND relkind NOT IN ('i', 'I', 'S', 't')
), part (kind, name, definition) AS (
    SELECT 'schema', nspname::text, '' FROM pg_namespace WHERE oid IN (SELECT oid FROM own)
    UNION ALL
    SELECT 'relation', name, concat_ws(' ', relkind, relpersistence, relowner::regrole, relacl, reloptions) FROM relation
    UNION ALL
    SELECT 'column', name || '.' || attname,
        concat_ws(' ', rank() OVER (PARTITION BY attrelid ORDER BY attnum), format_type(atttypid, atttypmod),
            CASE WHEN attnotnull THEN 'NOT NULL' END, attidentity, attgenerated, attcollation::regcollation, attstorage,
            pg_get_expr(adbin, adrelid))
    FROM relation
    JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    UNION ALL
    SELECT 'constraint', conrelid::regclass || '.' || conname, concat_ws(' ', convalidated, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace IN (SELECT oid FROM own) AND contype <> 'n'
    UNION ALL
    SELECT 'index', indexrelid::regclass::text, concat_ws(' ', indisvalid, pg_get_indexdef(indexrelid))
    FROM pg_index WHERE indrelid IN (SELECT oid FROM relation)
    UNION ALL
    SELECT 'trigger', tgrelid::regclass || '.' || tgname, concat_ws(' ', tgenabled, pg_get_triggerdef(oid))
    FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM relation) AND NOT tgisinternal
    UNION ALL
    SELECT 'function', oid::regprocedure::text, pg_get_functiondef(oid)
    FROM pg_proc WHERE pronamespace IN (SELECT oid FROM own) AND prokind IN ('f', 'p')
    UNION ALL
    SELECT 'sequence', seqrelid::regclass::text,
        concat_ws(' ', format_type(seqtypid, NULL), seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle,
            (SELECT string_agg(refobjid::regclass || '.' || refobjsubid, ',') FROM pg_depend
             WHERE objid = seqrelid AND refobjsubid > 0))
    FROM pg_sequence WHERE seqrelid IN (SELECT oid FROM pg_class WHERE relnamespace IN (SELECT oid FROM own))
)
SELECT kind, name, definition FROM part ORDER BY kind, name COLLATE "C", definition COLLATE "C";
