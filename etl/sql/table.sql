-- Indexes, references and triggers come when the rows are there.
CREATE TABLE loading.{table} (LIKE public.{table} INCLUDING ALL EXCLUDING INDEXES);
