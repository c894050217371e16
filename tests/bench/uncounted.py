"""The service in a build that does not count, for gunicorn: what counting costs is measured against it."""

from service.metrics import counting, history, top


def _nothing(*_: object, **__: object) -> None:
    pass


counting.Counts.add = counting.Counts.add_seconds = counting.Durations.observe = _nothing
counting.Requests.answered = top.Top.saw = history.History.start = _nothing

from service.wsgi import app  # noqa: E402, F401 (after the change)
