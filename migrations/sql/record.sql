INSERT INTO schema_migrations (version, name, sha256) VALUES (%s, %s, %s);
