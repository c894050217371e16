"""CSV catalogues in the old service's format: generate, load and check them."""
