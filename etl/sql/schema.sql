-- What a load that was killed left behind goes first. Nobody but a load uses this schema.
DROP SCHEMA IF EXISTS loading CASCADE;
CREATE SCHEMA loading;
