import runpy

import pytest


@pytest.fixture
def graceful_seconds(monkeypatch: pytest.MonkeyPatch) -> int:
    """How long an instance goes on with its current requests after SIGTERM."""
    for name in ("DATABASE_URL", "REDIS_URL", "CART_SECRET"):
        monkeypatch.setenv(name, "needed, but not here")
    return int(runpy.run_module("service.gunicorn_conf")["graceful_timeout"])
