SELECT count(*) FROM public.{table} AS child
WHERE NOT EXISTS (SELECT FROM public.{parent} AS parent WHERE parent.id = child.{column})
