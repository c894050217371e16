DROP TABLE public.products, public.features, public.styles, public.photos, public.skus, public.related_products,
    public.product_blocks;
ALTER TABLE loading.products SET SCHEMA public;
ALTER TABLE loading.features SET SCHEMA public;
ALTER TABLE loading.styles SET SCHEMA public;
ALTER TABLE loading.photos SET SCHEMA public;
ALTER TABLE loading.skus SET SCHEMA public;
ALTER TABLE loading.related_products SET SCHEMA public;
ALTER TABLE loading.product_blocks SET SCHEMA public;
DROP SCHEMA loading;
-- Pending invalidations are of the old catalogue, all of which the epoch makes a miss. Their versions may be higher than
-- the load's, which was taken before: under the new epoch, they would keep these products out of the cache for a minute.
DELETE FROM public.catalogue_outbox;
SELECT public.catalogue_raise_epoch(%s);
