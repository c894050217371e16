"""Whether a page of the list costs the same anywhere: by its number and by the id before it, at both ends."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from service.app import create_app
from service.catalogue.database import IDS_AFTER, PAGE_IDS
from service.coroutines import block_on
from service.postgres import Call, Postgres
from service.settings import Settings
from service.web import EXTENSION
from tests.bench.turns import Side, trials

COUNT = 5
FARTHEST = 200_000


def report(settings: Settings, ids: Sequence[int], count: int) -> None:
    """Print the times for the ids of a page in SQL, and for the whole application without a socket."""
    farthest = min(FARTHEST, len(ids) * 5 // COUNT)
    calls = {
        "page=1": Call(PAGE_IDS, (COUNT + 1, 0)),
        f"page={farthest}": Call(PAGE_IDS, (COUNT + 1, (farthest - 1) * COUNT)),
        "after=1": Call(IDS_AFTER, (COUNT + 1, 1)),
        f"after={ids[-COUNT]}": Call(IDS_AFTER, (COUNT + 1, ids[-COUNT])),
    }

    def in_sql(stack: ExitStack) -> Mapping[str, Side]:
        pool = Postgres(settings.database_url, 1, 20.0)
        stack.callback(pool.close)
        return {
            name: lambda asked, call=call: [block_on(pool.run(call)) for _ in asked] for name, call in calls.items()
        }

    def in_flask(stack: ExitStack) -> Mapping[str, Side]:
        app = create_app(settings)
        stack.callback(app.extensions[EXTENSION].close)
        client = app.test_client()
        return {name: lambda asked, name=name: [client.get(f"/products?{name}") for _ in asked] for name in calls}

    sql, flask = trials(in_sql, ids, count), trials(in_flask, ids, count)
    print(f"{'a page, µs':16}{'ids in SQL':>12}{'ratio':>8}{'Flask':>10}{'ratio':>8}")
    for name in calls:
        ratios = sql[name] / sql["page=1"], flask[name] / flask["page=1"]
        print(f"{name:16}{sql[name]:12.1f}{ratios[0]:8.2f}{flask[name]:10.1f}{ratios[1]:8.2f}")
    print()
