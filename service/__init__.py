"""The Product Overview service: product documents and carts over HTTP.

A request comes down through these layers, and imports run the same way only (checked by import-linter)::

    wsgi                 builds the application from the environment; the only module that acts on import
    app                  puts the parts together
    web                  HTTP: blueprints, validation, headers, errors, and the door of the worker
    worker               gunicorn's worker with a poll loop that answers many at once; knows sockets, no Redis, no SQL
    resources            opens and closes the pools and clients
    catalogue, cart      what is served: documents of products, carts of callers
    cache, postgres      where it is kept: cache-aside over Redis, a bounded pool of connections
    metrics, logs        what is told about it
    errors, deadline,    what everything knows
    settings

Beside the web stand ``invalidator`` (brings changes of the catalogue into the cache) and ``hits`` (prints hit rates).
"""
