-- This mode stops whoever changes structure, and autovacuum, which gives way only to those who wait longer than a reader
-- ever should; readers and writers do not notice it.
SET LOCAL synchronous_commit = on;
LOCK TABLE
    public.products, public.features, public.styles, public.photos, public.skus, public.related_products, public.product_blocks,
    loading.products, loading.features, loading.styles, loading.photos, loading.skus, loading.related_products, loading.product_blocks
IN SHARE UPDATE EXCLUSIVE MODE;
