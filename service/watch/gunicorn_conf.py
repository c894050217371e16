"""gunicorn's configuration of the watch process: one worker, which has all that is known."""

from __future__ import annotations

import os
import sys
from pathlib import Path as _Path

sys.path.insert(0, str(_Path(__file__).parent.parent.parent))  # it is read before gunicorn changes to its --chdir

from service.settings import Settings

_settings = Settings.from_env()

proc_name = "product-overview-watch"
bind = _settings.operations
workers = 1
worker_class = "gthread"
threads = 8
timeout = 20
graceful_timeout = 2
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
# Nobody but this machine's programs: no proxy is to say who the client is.
forwarded_allow_ips = ""
forwarder_headers = ""
control_socket_disable = True
accesslog = None
errorlog = "-"
loglevel = _settings.log_level.lower()
