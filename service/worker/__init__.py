"""A gunicorn worker that answers what it can in its poll loop, many requests at once, and leaves the rest to threads.

Each tick it reads every socket that is ready and shows what came to a door (``door.py``). What the door recognises is
answered together: in the loop, by look-ups (``lookups.py``) of which one is under way while the next gathers; or by a
fill thread (``fills.py``), which takes all that gathered while the last fill was under way. What the door does not
recognise goes, with every byte, to gunicorn's own parser and the application on the thread pool, as with the stock
worker. Only the loop touches the sockets of the fast road (``connection.py``), and of HTTP it knows no more than where
a head ends.
"""

from service.worker.batch_worker import BatchWorker

__all__ = ["BatchWorker"]
