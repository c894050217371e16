-- The snapshot is taken after this, so that no load swaps tables between one count and the next.
LOCK TABLE
    public.products, public.features, public.styles, public.photos, public.skus, public.related_products
IN ACCESS SHARE MODE;
