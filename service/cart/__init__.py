"""Carts: kept in Postgres, opened only by a token that this service signed."""
