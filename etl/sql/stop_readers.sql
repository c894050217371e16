-- Readers queue behind this, so it times out soon, and before the server would detect a deadlock and end one of them.
SAVEPOINT readers;
SET LOCAL lock_timeout = '100ms';
LOCK TABLE
    loading.products, loading.features, loading.styles, loading.photos, loading.skus, loading.related_products, loading.product_blocks,
    public.products, public.features, public.styles, public.photos, public.skus, public.related_products, public.product_blocks
IN ACCESS EXCLUSIVE MODE;
