import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.local.servers import Nginx

Lines = list[dict[str, Any]]


@pytest.fixture
def access_log() -> Callable[[Nginx], Lines]:
    """Stops an nginx, so that all is written, and gives the lines of its access log."""

    def lines(nginx: Nginx) -> Lines:
        nginx.stop()
        return [json.loads(line) for line in (Path(nginx.prefix) / "access.log").read_text().splitlines()]

    return lines
