-- This mode blocks changes of structure, and autovacuum, which gives way only to sessions that wait longer than a reader
-- should; it blocks neither readers nor writers.
SET LOCAL synchronous_commit = on;
LOCK TABLE
    public.products, public.features, public.styles, public.photos, public.skus, public.related_products, public.product_blocks,
    loading.products, loading.features, loading.styles, loading.photos, loading.skus, loading.related_products, loading.product_blocks
IN SHARE UPDATE EXCLUSIVE MODE;
