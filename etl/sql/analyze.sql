ANALYZE loading.{table}
