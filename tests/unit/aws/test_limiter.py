"""One ceiling for all Batch calls, whoever makes them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from recloser.aws.limiter import Limiter, limiter_of


@dataclass
class Clock:
    """A time that passes only when somebody sleeps."""

    now_s: float = 100.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Note the wait."""
        self.slept.append(seconds)


@pytest.fixture
def clock() -> Clock:
    """A fresh clock."""
    return Clock()


def limiter_on(clock: Clock, calls_per_s: float) -> Limiter:
    """A limiter that lives by this clock."""
    return Limiter(calls_per_s, clock=lambda: clock.now_s, sleep=clock.sleep)


def test_one_second_s_worth_goes_at_once_and_the_rest_in_step(clock: Clock) -> None:
    """After the burst each caller waits its turn behind the others."""
    limiter = limiter_on(clock, 10)
    for _ in range(13):
        limiter.acquire()
    assert clock.slept == pytest.approx([0.1, 0.2, 0.3])


def test_time_fills_the_bucket_but_no_more_than_a_second_s_worth(clock: Clock) -> None:
    """A long silence does not allow a flood."""
    limiter = limiter_on(clock, 10)
    for _ in range(10):
        limiter.acquire()
    clock.now_s += 3600
    for _ in range(11):
        limiter.acquire()
    assert clock.slept == pytest.approx([0.1])


def test_threads_share_the_ceiling(clock: Clock) -> None:
    """Two threads never get the same turn."""
    limiter = limiter_on(clock, 50)
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(limiter.acquire) for _ in range(150)]:
            future.result()
    assert sorted(clock.slept) == pytest.approx([turn / 50 for turn in range(1, 101)])


def test_a_rate_below_one_still_lets_the_first_call_through(clock: Clock) -> None:
    """A bucket smaller than one call would never be full."""
    limiter = limiter_on(clock, 0.5)
    limiter.acquire()
    limiter.acquire()
    assert clock.slept == pytest.approx([2.0])


def test_an_account_and_region_have_one_limiter() -> None:
    """Connecting twice does not double the rate; another region has its own ceiling."""
    assert limiter_of("1", "us-east-1", 45) is limiter_of("1", "us-east-1", 45)
    assert limiter_of("1", "us-east-1", 45) is not limiter_of("1", "eu-west-1", 45)
