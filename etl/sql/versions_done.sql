ALTER TABLE loading.products ALTER version DROP DEFAULT;
