COPY (SELECT bits, block, products FROM public.product_blocks_of(ARRAY(SELECT id FROM loading.products))) TO STDOUT
