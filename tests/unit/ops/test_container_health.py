"""A worker's health follows its progress, not its process."""

from ops.containers.health import PATIENCE_SECONDS, Seen, judge
from runtime.lag import Lag, Standing


def standing(committed: int, end: int, members: int = 1) -> Standing:
    """Describe a group of one partition."""
    return Standing(members, (Lag("canonical.order", 0, committed, end),))


def test_a_worker_with_nothing_to_do_is_healthy() -> None:
    """Nothing waits: however long nothing moved, nothing is wrong."""
    seen, wrong = judge(Seen(7, moved_at=0), standing(7, 7), at=10_000)

    assert wrong == ""
    assert seen.moved_at == 10_000


def test_a_worker_that_moves_is_healthy() -> None:
    """Records wait, and some were acknowledged since the last look."""
    seen, wrong = judge(Seen(7, moved_at=0), standing(8, 90), at=10_000)

    assert wrong == ""
    assert seen == Seen(8, 10_000)


def test_a_worker_that_stands_still_is_sick_after_a_while() -> None:
    """Records wait and none is acknowledged: patience first, then the sentence."""
    patient, early = judge(Seen(7, moved_at=0), standing(7, 90), at=PATIENCE_SECONDS)
    _, late = judge(patient, standing(7, 90), at=PATIENCE_SECONDS + 1)

    assert early == ""
    assert late == "83 records wait, and none was acknowledged for 121 s"


def test_a_group_without_members_is_sick() -> None:
    """A process that lives but left its group does no work."""
    _, wrong = judge(None, standing(7, 7, members=0), at=0)

    assert wrong == "nobody is in the consumer group"
