-- ids_after: ids above one, which need not exist itself.
-- $1 how many, $2 the id before them; rows (id), ascending.
SELECT id FROM products WHERE id > $2::int ORDER BY id LIMIT $1::int
