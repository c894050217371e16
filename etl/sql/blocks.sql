CREATE TABLE loading.product_blocks (LIKE public.product_blocks INCLUDING ALL EXCLUDING INDEXES);
