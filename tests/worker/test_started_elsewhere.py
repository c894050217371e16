"""gunicorn may be started from any folder: a unit of systemd does not stand in the checkout."""

import subprocess
import sys
from pathlib import Path

from deploy.local.instances import CHECKOUT, environment


def test_its_configuration_is_read_in_any_folder(given, tmp_path):
    gunicorn = Path(sys.executable).with_name("gunicorn")
    options = ["--chdir", CHECKOUT, "-c", CHECKOUT / "service/gunicorn_conf.py", "--check-config", "service.wsgi:app"]
    environ = {name: value for name, value in environment(given).items() if name != "PYTHONPATH"}
    checked = subprocess.run(
        [gunicorn, *options], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    assert not list(tmp_path.iterdir())
