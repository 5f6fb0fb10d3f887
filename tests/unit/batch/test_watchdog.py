"""The watchdog: it ends what is stuck, and lets the idle and the slow live."""

from dataclasses import dataclass, field

import pytest

from streams.batch.watchdog import Watchdog


@dataclass
class Clock:
    """Time that passes when it is told to."""

    now: float = 0.0
    ended: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def live(self, watchdog: Watchdog, seconds: float) -> None:
        """Let time pass, with the watching thread running."""
        for _ in range(int(seconds)):
            self.now += 1
            watchdog.check()


@pytest.fixture
def clock() -> Clock:
    """A clock at zero."""
    return Clock()


@pytest.fixture
def watchdog(clock: Clock) -> Watchdog:
    """Sixty seconds of patience."""
    return Watchdog(60, asleep=9, clock=clock, end=clock.ended.append)


def test_work_without_progress_ends_the_process(clock: Clock, watchdog: Watchdog) -> None:
    """Stuck after a rebalance looks exactly so."""
    watchdog.pulse(busy=True, token=1)
    for _ in range(7):
        clock.live(watchdog, 10)
        watchdog.pulse(busy=True, token=1)

    assert clock.ended


def test_a_loop_that_hangs_ends_the_process(clock: Clock, watchdog: Watchdog) -> None:
    """It cannot say that it is stuck."""
    watchdog.pulse(busy=False, token=1)
    clock.live(watchdog, 70)

    assert clock.ended


def test_progress_keeps_the_process(clock: Clock, watchdog: Watchdog) -> None:
    """However much is left to do."""
    for step in range(20):
        watchdog.pulse(busy=True, token=step)
        clock.live(watchdog, 30)

    assert not clock.ended


def test_having_nothing_to_do_is_no_fault(clock: Clock, watchdog: Watchdog) -> None:
    """A spare worker lives on."""
    for _ in range(20):
        watchdog.pulse(busy=False, token=1)
        clock.live(watchdog, 30)

    assert not clock.ended


def test_a_process_that_was_stopped_knows_for_good(clock: Clock, watchdog: Watchdog) -> None:
    """Its partitions may be somebody else's, however alive it looks afterwards."""
    clock.live(watchdog, 5)
    assert not watchdog.overslept()

    clock.now += 30
    clock.live(watchdog, 5)

    assert watchdog.overslept()
    assert not clock.ended
