"""A gunicorn worker that answers batches of requests in its event loop, and the rest on threads.

Each tick reads every ready socket. Requests that the fast path (``fast_path.py``) matches are answered in batches
(``batcher.py``) by coroutines, whose sockets the loop watches too (``tasks.py``): while one batch is in flight the next
gathers. All other requests go, with every byte, to gunicorn's parser and the application on a thread pool
(``slow_path.py``). Only the loop (``event_loop.py``) watches and writes to clients' sockets; of HTTP it knows only
where a head ends. ``worker.py`` is gunicorn's interface to it.
"""
