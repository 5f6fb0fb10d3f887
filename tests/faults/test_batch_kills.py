"""Workers are killed, stopped, joined and poisoned: nothing is lost, the table is a recount."""

import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ops.local import control
from ops.local.settings import LocalSettings
from tests.faults.batch_lab import Lab, Recount, until

pytestmark = pytest.mark.stack

SLOW = {"batch_max": 100, "slow": 0.02}  # slow enough to be caught at work

MakeLab = Callable[..., Lab]


@pytest.fixture
def make_lab(kafka: str, tmp_path: Path) -> Iterator[MakeLab]:
    """Labs on the session's broker, without workers left behind."""
    labs: list[Lab] = []

    def make(**settings: object) -> Lab:
        labs.append(Lab(kafka, tmp_path, **settings))  # type: ignore[arg-type]
        return labs[-1]

    yield make
    for lab in labs:
        lab.close()


@pytest.fixture
def lab(make_lab: MakeLab) -> Lab:
    """One lab."""
    return make_lab()


def nothing_lost(recount: Recount) -> bool:
    """Every input is in the output, and the table counts each once."""
    return recount.inputs > 0 and recount.missing == 0 and recount.wrong == 0


def kill_at_work(lab: Lab, rng: random.Random, **settings: object) -> None:
    """Start a worker and SIGKILL it when it has done something and is not done."""
    before = lab.lag()
    worker = lab.start(**SLOW, **settings)
    until(lab.moved(before - rng.randrange(500)), 60, "some records committed")
    worker.kill()
    worker.wait()
    assert lab.lag() > 0, "the worker was too fast to be killed at work"


def kill_three_times(lab: Lab, records: int, **settings: object) -> None:
    """The same death three times, then a worker that lives."""
    lab.fill(records)
    rng = random.Random(3)
    for _ in range(3):
        kill_at_work(lab, rng, **settings)
    worker = lab.start(**settings)
    lab.caught_up()
    until(lambda: lab.recount().missing == 0, 30, "what was held was released")

    assert lab.stop(worker) == 0
    assert nothing_lost(lab.recount())


def test_three_kills_lose_nothing(lab: Lab) -> None:
    """SIGKILL at work, three times; the worker comes back under its name (Invariant 10)."""
    kill_three_times(lab, 20_000, instance="one")


@pytest.mark.soak
def test_three_kills_lose_nothing_of_many(lab: Lab) -> None:
    """The same with ten times as many, and under a new name each time."""
    kill_three_times(lab, 200_000)


def test_a_name_is_given_to_one_worker_only(lab: Lab) -> None:
    """Whoever had it before ends, instead of both taking it from each other for ever."""
    lab.fill(5_000)
    first = lab.start(**SLOW, instance="one")
    until(lab.moved(5_000), 60, "the first worker reads")
    second = lab.start(instance="one")
    code = first.wait(30)
    lab.caught_up()

    assert code == 1
    assert lab.stop(second) == 0
    assert nothing_lost(lab.recount())


@pytest.mark.soak
def test_kills_lose_nothing_that_is_held_for_a_sweep(lab: Lab) -> None:
    """What a sweep sends and deletes is as safe as what an agent does."""
    kill_three_times(lab, 20_000, hold=True)


def test_a_sweep_empties_what_an_agent_holds(lab: Lab) -> None:
    """Its deletes reach the changelog, so that a new worker finds nothing to release again."""
    lab.fill(500)
    worker = lab.start(hold=True)
    lab.caught_up()
    until(lambda: lab.recount().missing == 0, 30, "all that was held was released")
    assert lab.stop(worker) == 0
    first = lab.recount()
    worker = lab.start(hold=True)
    lab.fill(1)
    until(lambda: lab.recount().missing == 0, 30, "the new worker sweeps")
    lab.stop(worker)

    assert nothing_lost(first)
    assert lab.recount().duplicates == first.duplicates == 0


def test_workers_may_come_and_go(lab: Lab) -> None:
    """One joins, one leaves with SIGTERM, one joins and is killed."""
    lab.fill(30_000)
    first = lab.start(**SLOW)
    until(lab.moved(30_000), 60, "the first worker reads")
    second = lab.start(**SLOW)
    until(lab.shared, 60, "both workers have partitions")
    assert lab.stop(second) == 0
    third = lab.start(**SLOW)
    until(lab.shared, 60, "both workers have partitions again")
    third.kill()
    third.wait()
    lab.caught_up(90)

    assert lab.stop(first) == 0
    assert nothing_lost(lab.recount())


def test_sigterm_at_work_drains(lab: Lab) -> None:
    """What was produced is committed: the next worker repeats nothing (Invariant 10)."""
    lab.fill(10_000)
    worker = lab.start(batch_max=100, slow=0.01)
    until(lab.moved(9_000), 60, "the worker is at work")
    assert lab.stop(worker, seconds=10) == 0
    left = lab.lag()
    worker = lab.start()
    lab.caught_up()
    lab.stop(worker)
    recount = lab.recount()

    assert left > 0
    assert nothing_lost(recount)
    assert recount.duplicates == 0


def test_an_error_in_an_agent_stops_the_worker_uncommitted(make_lab: MakeLab) -> None:
    """With the code mended nothing is lost, the poisonous record included."""
    lab = make_lab(partitions=1)
    lab.fill(100)
    worker = lab.start(poison="50", batch_max=10)
    code = worker.wait(30)
    committed = lab.committed()
    worker = lab.start()
    lab.caught_up()
    lab.stop(worker)

    assert code == 1
    assert list(committed.values()) <= [50]
    assert "cannot read b'50'" in lab.log(0)
    assert nothing_lost(lab.recount())


def test_a_record_the_broker_refuses_stops_the_worker_uncommitted(lab: Lab) -> None:
    """A delivery error is found before the batch is acknowledged (Invariant 1)."""
    lab.make(f"{lab.name}-tiny", max_message_bytes="16")
    lab.fill(100)
    worker = lab.start(output=f"{lab.name}-tiny")
    code = worker.wait(30)
    committed = lab.committed()
    worker = lab.start()
    lab.caught_up()
    lab.stop(worker)

    assert code == 1
    assert not any(committed.values())
    assert nothing_lost(lab.recount())


def test_a_worker_that_hangs_ends_itself(lab: Lab) -> None:
    """Liveness is progress, not a process that exists."""
    lab.fill(10)
    worker = lab.start(hang=3600, stuck_after=3)

    assert worker.wait(60) == 70
    assert lab.lag() == 10


def test_a_stopped_worker_does_not_write_when_it_wakes(lab: Lab) -> None:
    """Its partitions are somebody else's by then, and their state as well."""
    lab.fill(20_000)
    sleeper = lab.start(**SLOW)
    until(lab.moved(20_000), 60, "the worker is at work")
    sleeper.send_signal(signal.SIGSTOP)
    other = lab.start()
    lab.caught_up()
    table = lab.table()
    sleeper.send_signal(signal.SIGCONT)
    lab.fill(200, at=20_000)
    lab.caught_up()
    code = sleeper.wait(30)
    lab.stop(other)

    assert code == 1
    assert len(table) == len(lab.table())
    assert nothing_lost(lab.recount())


def test_a_broker_that_dies_loses_nothing(lab: Lab, kafka_home: LocalSettings) -> None:
    """The worker waits or ends; whoever starts it again finds all as it was."""
    lab.fill(20_000)
    worker = lab.start(**SLOW)
    until(lab.moved(20_000), 60, "the worker is at work")
    pid = control.seen(kafka_home)["kafka"].pid
    assert pid is not None
    lab.kill_process(pid)
    until(lab.broker_answers, 60, "the broker is back")
    if worker.poll() is not None:
        worker = lab.start()
    until(lambda: lab.lag() == 0 or worker.poll() is not None, 60, "read on, or ended")
    if worker.poll() is not None:
        assert worker.returncode != 0
        worker = lab.start()
    lab.caught_up()

    assert lab.stop(worker) == 0
    assert nothing_lost(lab.recount())


def test_an_emptied_changelog_is_recovered_from(lab: Lab) -> None:
    """It ends at an offset without a record; recovery must not wait for one."""
    lab.fill(1_000)
    worker = lab.start()
    lab.caught_up()
    lab.stop(worker)
    lab.empty(f"{lab.name}-counts-changelog")
    lab.fill(1_000, at=1_000)
    worker = lab.start()
    lab.caught_up(30)

    assert lab.stop(worker) == 0
    assert lab.recount().missing == 0


def test_aborted_transactions_are_not_seen(make_lab: MakeLab) -> None:
    """And the markers of transactions are committed past, so that the lag ends at nothing."""
    lab = make_lab(partitions=1)
    lab.transact(5, commit=True)
    lab.transact(7, commit=False)
    worker = lab.start()
    lab.caught_up()
    lab.transact(3, commit=True)
    lab.transact(2, commit=False)
    lab.caught_up()
    lab.stop(worker)
    recount = lab.recount()

    assert recount.inputs == 8
    assert nothing_lost(recount)


def test_several_topics_feed_one_table(make_lab: MakeLab) -> None:
    """One agent, co-partitioned topics, one state per partition."""
    lab = make_lab(inputs=("a", "b"))
    for topic in lab.topics:
        lab.fill(1_000, topic=topic)
    worker = lab.start(batch_max=50)
    lab.caught_up()
    lab.stop(worker)

    assert lab.recount().missing == 0
