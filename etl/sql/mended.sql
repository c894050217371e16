SELECT count(*) FROM loading.{table} WHERE id = ANY (%s)
