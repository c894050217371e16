COPY loading.product_blocks (bits, block, products) FROM STDIN (FREEZE)
