-- Indexes, references and triggers are added after the rows.
CREATE TABLE loading.{table} (LIKE public.{table} INCLUDING ALL EXCLUDING INDEXES);
