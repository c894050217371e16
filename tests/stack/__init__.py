"""The local stack: private Postgres, Redis or Valkey, nginx and instances, for tests and for ``make run``."""
