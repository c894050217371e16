-- Removes what a killed load left behind. Only loads use this schema.
DROP SCHEMA IF EXISTS loading CASCADE;
CREATE SCHEMA loading;
