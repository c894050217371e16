-- The structure of the live tables beyond columns and checks, as statements for the tables of the same names in schema
-- loading. In order: keys, indexes, references, triggers and in which sessions they fire, owner and grants.
-- Names have no schema as only public is in the search path; run the statements with loading first in it.
SET LOCAL search_path = public;

WITH live AS (
    SELECT class.oid, class.relname AS name, class.relowner AS owner, class.relacl AS acl, wanted.place
    FROM unnest(%(tables)s) WITH ORDINALITY AS wanted (name, place)
    JOIN pg_class AS class ON class.oid = to_regclass(format('public.%%I', wanted.name))
), parts AS (
    SELECT 1 AS phase, 'index' AS kind, place, live.name, conname::text AS part,
        format('ALTER TABLE loading.%%I ADD CONSTRAINT %%I %%s', live.name, conname, pg_get_constraintdef(own.oid, true))
            AS statement,
        NULL AS remedy, NULL AS reason
    FROM live JOIN pg_constraint AS own ON conrelid = live.oid AND contype IN ('p', 'u', 'x')
    UNION ALL
    SELECT 2, 'index', place, live.name, indexrelid::regclass::text, pg_get_indexdef(indexrelid, 0, true), NULL, NULL
    FROM live JOIN pg_index ON indrelid = live.oid
    WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
    UNION ALL
    SELECT 3, 'reference', place, live.name, conname,
        format('ALTER TABLE loading.%%I ADD CONSTRAINT %%I %%s', live.name, conname, pg_get_constraintdef(own.oid, true)),
        format('DELETE FROM loading.%%I AS child WHERE NOT EXISTS (SELECT FROM loading.%%I AS parent WHERE parent.%%I = child.%%I)',
            live.name, parent.relname, target.attname, origin.attname),
        format('%%s is not in %%s', origin.attname, parent.relname)
    FROM live
    JOIN pg_constraint AS own ON conrelid = live.oid AND contype = 'f'
    JOIN pg_class AS parent ON parent.oid = confrelid
    JOIN pg_attribute AS origin ON origin.attrelid = conrelid AND origin.attnum = conkey[1]
    JOIN pg_attribute AS target ON target.attrelid = confrelid AND target.attnum = confkey[1]
    UNION ALL
    SELECT 4, 'trigger', place, live.name, tgname, pg_get_triggerdef(pg_trigger.oid, true), NULL, NULL
    FROM live JOIN pg_trigger ON tgrelid = live.oid AND NOT tgisinternal
    UNION ALL
    SELECT 5, 'trigger', place, live.name, tgname,
        format('ALTER TABLE loading.%%I %%s TRIGGER %%I', live.name,
            CASE tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, tgname),
        NULL, NULL
    FROM live JOIN pg_trigger ON tgrelid = live.oid AND NOT tgisinternal AND tgenabled <> 'O'
    UNION ALL
    SELECT 6, 'access', place, name, '', format('ALTER TABLE loading.%%I OWNER TO %%I', name, pg_get_userbyid(owner)), NULL, NULL
    FROM live
    UNION ALL
    SELECT 7, 'access', place, name, grantee::text || privilege_type,
        format('GRANT %%s ON loading.%%I TO %%s%%s', privilege_type, name,
            CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
            CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END),
        NULL, NULL
    FROM live, aclexplode(acl)
    WHERE grantee <> owner
)
SELECT kind, name, statement, remedy, reason
FROM parts
ORDER BY phase, place, part;
