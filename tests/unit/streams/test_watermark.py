"""An END counts for a partition that was read to where the topic ended when it was seen."""

from collections.abc import Mapping

import pytest

from streams.watermark import Watermark, commit_position


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def end(position: int) -> bytes:
    """Write the END of a transaction that committed at *position*."""
    return b'{"status":"END","id":"77:%d","event_count":3}' % position


def test_only_an_end_is_a_commit() -> None:
    """A BEGIN, a message without position and nonsense are not."""
    assert commit_position(end(500)) == 500
    for record in (b'{"status":"BEGIN","id":"77:400"}', b"{", b"[]", b'{"status":"END","id":"x"}'):
        assert commit_position(record) is None


@pytest.fixture
def clock() -> Clock:
    """The time of the watermark."""
    return Clock()


@pytest.fixture
def watermark(clock: Clock) -> Watermark:
    """A watermark that holds an END back for a second."""
    return Watermark("cdc.vendure.order", hold_back=1, clock=clock)


def look(watermark: Watermark, ends: Mapping[int, int] | None) -> None:
    """Let the reader of commits pause, while the row topic ends at *ends*."""
    watermark.pause(lambda topic: ends if topic == "cdc.vendure.order" else {})


def test_nothing_is_complete_before_the_first_end(watermark: Watermark) -> None:
    """There is nothing to go by."""
    look(watermark, {0: 10})

    assert watermark.reached(0, 10) == -1


def test_an_end_is_held_back_for_the_rows_it_may_have_overtaken(
    watermark: Watermark, clock: Clock
) -> None:
    """It counts only with where the topic ended a moment later."""
    watermark.take(end(500))
    look(watermark, {0: 8})
    assert watermark.reached(0, 10) == -1

    clock.now = 1
    look(watermark, {0: 10})

    assert watermark.reached(0, 9) == -1
    assert watermark.reached(0, 10) == 500


def test_a_worker_that_is_behind_has_what_it_has_read(watermark: Watermark, clock: Clock) -> None:
    """Each partition is complete up to the newest END that was paired with less than it read."""
    for number in range(1, 4):
        watermark.take(end(number * 100))
        clock.now += 1
        look(watermark, {0: number * 10, 1: 5})

    assert [watermark.reached(0, offset) for offset in (9, 10, 25, 30)] == [-1, 100, 200, 300]
    assert watermark.reached(1, 5) == 300


def test_ends_that_come_while_one_is_held_back_do_not_hold_it_longer(
    watermark: Watermark, clock: Clock
) -> None:
    """Under load there is always a newer END; the older ones count in time."""
    watermark.take(end(100))
    clock.now = 0.9
    watermark.take(end(200))
    clock.now = 1
    look(watermark, {0: 4})
    assert watermark.reached(0, 4) == 100

    clock.now = 2
    look(watermark, {0: 4})
    assert watermark.reached(0, 4) == 200


def test_what_connect_says_again_changes_nothing(watermark: Watermark, clock: Clock) -> None:
    """After a restart old ENDs come once more."""
    watermark.take(end(200))
    watermark.take(end(100))
    clock.now = 1
    look(watermark, {0: 4})
    clock.now = 2
    watermark.take(end(150))
    look(watermark, {0: 9})

    assert watermark.reached(0, 4) == 200


def test_a_broker_that_does_not_answer_is_asked_again(watermark: Watermark, clock: Clock) -> None:
    """The END stays held until it can be paired."""
    watermark.take(end(100))
    clock.now = 1
    look(watermark, None)
    assert watermark.reached(0, 9) == -1

    look(watermark, {0: 9})

    assert watermark.reached(0, 9) == 100
