"""The Product Overview service: product documents and carts over HTTP.

A request comes down through these layers, and imports run the same way only (checked by import-linter)::

    wsgi                 builds the application from the environment; the only module that acts on import
    app                  the composition root
    web                  HTTP: blueprints, validation, headers, errors, and the fast path
    worker               gunicorn's worker with an event loop that answers in batches; sockets only, no Redis, no SQL
    resources            opens and closes the pools and clients
    catalogue, cart      the domain: documents of products, carts of clients
    cache, postgres      storage: cache-aside over Redis, a bounded connection pool
    metrics, logs        monitoring
    errors, deadline,    shared by all layers
    timing, settings,
    environment

Programs of their own: ``invalidator`` (invalidates what changed in the catalogue), ``sweeper`` (deletes old carts and
idempotency keys), ``watch`` (collects what instances count, and serves the operators' page), ``watch.terminal`` (shows
it in a terminal), and ``nginx_conf`` with ``old_api`` (the configuration of nginx).
"""
