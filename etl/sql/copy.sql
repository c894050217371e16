-- FREEZE: the table is made in the same transaction, so that nobody has to visit its rows again to mark them as visible;
-- and a reader whose snapshot is older than the load, but who comes to the tables after the swap, finds them full.
-- The header is the one of etl/lines.py. Where the table has no column that is never zero, a constant stands in its place.
COPY loading.{table} ({columns}) FROM STDIN (FORMAT csv, HEADER, NULL 'null', ENCODING 'UTF8', FREEZE)
WHERE {never_zero} IS DISTINCT FROM 0
