"""``python -m deploy.openapi``: rewrite service/web/openapi.json, with Postgres and Redis started for it."""

import json
import tempfile
from contextlib import closing
from pathlib import Path

from deploy.local.instances import CHECKOUT
from deploy.local.places import Ports, RunDirectory
from deploy.local.servers import Postgres, Redis
from deploy.openapi.document import document
from deploy.openapi.examples import Examples, fill
from migrations import runner

SNAPSHOT = CHECKOUT / "service" / "web" / "openapi.json"


def written(found: dict) -> str:
    """The text of the file."""
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the file."""
    ports = Ports()
    with tempfile.TemporaryDirectory(prefix="openapi-", dir=RunDirectory(CHECKOUT / ".run").servers()) as name:
        root = Path(name)
        root.chmod(0o755)
        postgres = Postgres(root, ports.take("postgres"), root / "postgres.log", durable=False)
        redis = Redis(root, ports.take("redis"), root / "redis.log")
        try:
            postgres.start()
            redis.start()
            runner.migrate(postgres.url)
            fill(postgres.url, root / "catalogue")
            with closing(Examples(postgres.url, redis.url)) as examples:
                SNAPSHOT.write_text(written(document(examples)), "utf-8")
        finally:
            redis.stop()
            postgres.stop()


if __name__ == "__main__":
    main()
