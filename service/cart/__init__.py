"""Carts in Postgres, each accessed with a token that this service signed."""
