from service.cache.breaker import Breaker


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_part_that_failed_is_left_alone_and_then_asked_by_one():
    clock = Clock()
    breaker = Breaker(1.0, clock)
    assert breaker.allows()
    breaker.failed()
    assert breaker.is_open
    assert not breaker.allows()
    clock.now = 2.0
    assert [breaker.allows(), breaker.allows(), breaker.allows()] == [True, False, False]


def test_a_success_closes_it():
    clock = Clock()
    breaker = Breaker(1.0, clock)
    breaker.failed()
    clock.now = 2.0
    assert breaker.allows()
    breaker.succeeded()
    assert not breaker.is_open
    assert [breaker.allows(), breaker.allows()] == [True, True]


def test_the_pause_varies_but_is_bounded():
    pauses = set()
    for _ in range(200):
        clock = Clock()
        breaker = Breaker(1.0, clock)
        breaker.failed()
        clock.now = 0.74
        assert not breaker.allows()
        pauses.add(breaker._ask_again_at)
        clock.now = 1.26
        assert breaker.allows()
    assert len(pauses) > 100
