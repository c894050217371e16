"""Cache-aside over Redis: entries with versions, a policy without I/O, and a Redis client.

It knows names and bytes, not products: ``entry`` is what is stored, gzipped by ``compression`` above 1 kB, ``keys`` its
names, ``aside`` when it may be served, ``catch_up`` and ``breaker`` when Redis is bypassed, ``redis_store`` and
``put.lua`` read and write it. In a cluster ``cluster_cache`` and ``redis_cluster`` do so, with a ``node_store`` for
each master; ``topology`` knows which master has which ``slots``.
"""
