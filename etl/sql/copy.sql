-- FREEZE, possible as the table is created in the same transaction: no later pass has to mark its rows as visible, and a
-- reader whose snapshot is older than the load, but who opens the tables after the swap, finds them full.
-- The header is the one of etl/lines.py. For a table without a column that must not be zero, a constant replaces it.
COPY loading.{table} ({columns}) FROM STDIN (FORMAT csv, HEADER, NULL 'null', ENCODING 'UTF8', FREEZE)
WHERE {never_zero} IS DISTINCT FROM 0
