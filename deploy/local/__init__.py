"""The local stack: private Postgres, Redis or Valkey, nginx and instances, for ``make run`` and for tests."""
