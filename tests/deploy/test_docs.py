import re
from pathlib import Path


def test_every_alert_has_its_row():
    alerts = set(re.findall(r"- alert: (\w+)", Path("deploy/observability/rules.yml").read_text("utf-8")))
    rows = Path("docs/deploying.md").read_text("utf-8").partition("## At night")[2]
    assert set(re.findall(r"Overview\w+", rows)) == alerts
