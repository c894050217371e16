"""Each part of a cluster fails under load, a price feed and writes to carts."""
