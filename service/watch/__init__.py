"""What operators watch: a process of its own that collects from everything and serves the dashboard.

``instances`` and ``stores`` ask, ``nginx_log`` reads, ``history`` keeps seconds and minutes, ``minutes`` stores the
minutes in Postgres, ``events`` finds what changed. ``collector`` does all that again and again; ``snapshot``,
``charts`` and ``exposition`` say what it found, ``pages`` and ``app`` serve it.
``terminal`` is a client of it, with ``client``, ``screen``, ``report`` and ``shown``.
"""
