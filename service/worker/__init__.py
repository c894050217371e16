"""A gunicorn worker that answers what it can in its event loop, many requests at once, and leaves the rest to threads.

Each tick reads every socket that is ready. What the fast path (``fast_path.py``) matches is answered together: in the
loop, by look-ups (``lookups.py``) of which one is under way while the next gathers; or by a fill thread (``fills.py``),
which takes all that gathered during the last fill. All other requests go, with every byte, to gunicorn's parser and the
application on a pool of threads (``slow_path.py``). Only the loop (``event_loop.py``) watches and writes to clients'
sockets; of HTTP it knows no more than where a head ends. ``worker.py`` is what gunicorn sees of it.
"""

from service.worker.worker import EventLoopWorker

__all__ = ["EventLoopWorker"]
