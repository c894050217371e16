"""gunicorn's configuration of one instance; nginx balances over several."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path as _Path
from typing import Any as _Any

sys.path.insert(0, str(_Path(__file__).parent.parent))  # gunicorn reads this file before it changes to its --chdir

from service.metrics import memory as _memory
from service.nginx_conf import networks as _networks
from service.settings import Settings

_settings = Settings.from_env()

proc_name = "product-overview"
# One process per socket: behind a shared socket, nginx's keepalive connections would give a few workers all the work.
workers = 1
# The event loop needs Linux' epoll; elsewhere everything works the same, only slower.
worker_class = "service.worker.worker.EventLoopWorker" if sys.platform == "linux" else "gthread"
threads = _settings.threads

# Further clients wait to be accepted. Other descriptors are for stores, logs and the worker itself.
_DESCRIPTORS_OF_ITS_OWN = 64 + 2 * _settings.threads + _settings.postgres_connections
_MOST_CLIENTS = 10_000
_descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
worker_connections = _MOST_CLIENTS
if _descriptors != resource.RLIM_INFINITY:
    worker_connections = max(threads + 1, min(_MOST_CLIENTS, _descriptors - _DESCRIPTORS_OF_ITS_OWN))

# Longer than nginx keeps idle connections (30 s), so that nginx closes them first.
keepalive = 75
# For the worker's event loop, not for a request; the master replaces a worker that hangs.
timeout = 20
# Longer than nginx waits for a response.
graceful_timeout = 10
# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108

# nginx refuses earlier, with problem+json. Its limit on headers is 17 kB in all, which 5,000 fields cannot pass.
limit_request_line = 8190
limit_request_field_size = 8190
limit_request_fields = 5000

# Only nginx may set the client's address and scheme, from its addresses or over a Unix socket, whose peer gunicorn
# always trusts; other spellings of the same headers are ignored.
forwarded_allow_ips = ",".join(_networks("FORWARDED_ALLOW_IPS", _settings.forwarded_allow_ips))
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
forwarder_headers = ""

# By default, all instances of a user would share its path.
control_socket_disable = True


def on_starting(_: object) -> None:
    """Make the memory that the workers count in, before they are forked."""
    _memory.of_this_instance()


accesslog = None
errorlog = "-"
loglevel = _settings.log_level.lower()


def worker_exit(_server: _Any, worker: _Any) -> None:
    """Send the traces that are left."""
    application = getattr(worker, "wsgi", None)  # there is none if it could not be loaded
    if (tracer := getattr(application, "extensions", {}).get("tracer")) is not None:
        tracer.close()
