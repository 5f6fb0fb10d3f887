"""The worker keeps its promises: order per key, nothing dropped, committed last."""

import asyncio
import random

import pytest

from runtime.dead_letters import DeadLetterLimit
from runtime.errors import ConfigurationError, FatalError, RejectedError, UnavailableError
from tests.unit.sinks.fakes import (
    FakeInbox,
    FakeSink,
    Published,
    Running,
    incoming,
    place,
    quiet,
    worker,
)


async def test_each_record_is_written_ledgered_and_committed() -> None:
    """What the target took is in the ledger before its offset is committed."""
    inbox, sink, published = FakeInbox(incoming(0, "a"), incoming(1, "b")), FakeSink(), Published()
    async with Running(worker(inbox, sink, published)) as running:
        await running.until(lambda: inbox.committed.get(place()) == 2)

    assert sorted(sink.calls) == [("a", "v"), ("b", "v")]
    assert {entry["key"]: entry["outcome"] for entry in published.ledger()} == {
        "a": "created",
        "b": "created",
    }
    assert published.ledger()[0]["source_position"] == 7
    assert inbox.closed


async def test_nothing_is_committed_before_the_ledger_is_durable() -> None:
    """Invariant 1: the offset waits for the broker's word on the ledger."""
    inbox, published = FakeInbox(incoming(0, "a")), Published()
    published.held = asyncio.Event()
    sink = FakeSink()
    async with Running(worker(inbox, sink, published)) as running:
        await running.until(lambda: sink.calls and inbox.takes > 20)
        assert inbox.committed.get(place(), 0) == 0
        published.held.set()
        await running.until(lambda: inbox.committed.get(place()) == 1)


async def test_a_tombstone_is_a_delete() -> None:
    """A null value deletes, and the ledger says so."""
    inbox, sink, published = FakeInbox(incoming(0, "a", None)), FakeSink(), Published()
    async with Running(worker(inbox, sink, published)) as running:
        await running.until(lambda: inbox.committed.get(place()) == 1)

    assert sink.calls == [("a", None)]
    assert published.ledger()[0]["outcome"] == "deleted"


async def test_a_key_is_written_in_log_order_one_at_a_time() -> None:
    """Invariant 3, over many interleaved keys with failures in between."""
    rng = random.Random(7)
    records = [incoming(n, rng.choice("abcdef"), n) for n in range(200)]
    sink = FakeSink(**{key: [UnavailableError("503") for _ in range(3)] for key in "abc"})
    inbox = FakeInbox(*records)
    async with Running(worker(inbox, sink, Published())) as running:
        await running.until(lambda: inbox.committed.get(place()) == 200)

    for key in "abcdef":
        written = [value for name, value in sink.calls if name == key]
        assert written == sorted(written)
        assert set(written) == {n for n in range(200) if records[n].key == key.encode()}


async def test_only_the_contiguous_prefix_is_committed() -> None:
    """A slow record holds back the commit, not the other keys."""
    inbox = FakeInbox(incoming(0, "a"), incoming(1, "slow"), incoming(2, "b"), incoming(3, "c"))
    sink, published = FakeSink(), Published()
    sink.held["slow"] = asyncio.Event()
    async with Running(worker(inbox, sink, published)) as running:
        await running.until(lambda: len(published.ledger()) == 3)
        await running.until(lambda: inbox.committed.get(place()) == 1)
        sink.held["slow"].set()
        await running.until(lambda: inbox.committed.get(place()) == 4)


async def test_a_transient_error_holds_its_key_and_no_other() -> None:
    """The same record is tried again; other keys go on, even with one slot."""
    down = [UnavailableError("503") for _ in range(50)]
    sink, published = FakeSink(a=down), Published()
    inbox = FakeInbox(
        incoming(0, "a", 1), incoming(1, "a", 2), *(incoming(n, f"k{n}") for n in range(2, 9))
    )
    async with Running(worker(inbox, sink, published, keys_in_flight=1)) as running:
        await running.until(lambda: inbox.committed.get(place()) == 9)

    attempts = {entry["offset"]: entry["attempts"] for entry in published.ledger()}
    assert attempts[0] == 51
    assert attempts[1] == 1
    assert [value for key, value in sink.calls if key == "a"] == [1] * 51 + [2]
    assert published.ledger()[-1]["key"] == "a"
    assert not published.dead()


async def test_a_refused_record_is_a_dead_letter_with_its_reason_and_origin() -> None:
    """It moves aside, is committed, and a newer version of its key is tried on its own merits."""
    inbox = FakeInbox(incoming(0, "a", 1), incoming(1, "a", 2), incoming(2, "b"))
    sink = FakeSink(a=[RejectedError("no product with code X")])
    published = Published()
    async with Running(worker(inbox, sink, published)) as running:
        await running.until(lambda: inbox.committed.get(place()) == 3)

    ((key, headers),) = published.dead()
    assert key == b"a"
    assert headers["syncline.reason"] == "no product with code X"
    assert headers["syncline.error"] == "RejectedError"
    assert (headers["syncline.topic"], headers["syncline.offset"]) == ("canonical.thing", "0")
    assert sink.calls.count(("a", 2)) == 1


async def test_a_record_that_cannot_be_read_is_a_dead_letter() -> None:
    """Bytes that are no record do not hold up their neighbours."""
    bad = incoming(0, "a")
    inbox = FakeInbox(
        type(bad)(bad.place, 0, b"a", b"{"),
        type(bad)(bad.place, 1, b"\xff", b"1"),
        incoming(2, "b"),
    )
    sink, published = FakeSink(), Published()
    async with Running(worker(inbox, sink, published)) as running:
        await running.until(lambda: inbox.committed.get(place()) == 3)

    assert [key for key, _ in published.dead()] == [b"a", b"\xff"] or [
        key for key, _ in published.dead()
    ] == [b"\xff", b"a"]
    assert sink.calls == [("b", "v")]


async def test_a_fatal_error_stops_the_worker_and_commits_nothing_past_it() -> None:
    """A worker that cannot work stops where it is."""
    inbox, published = FakeInbox(incoming(0, "a")), Published()
    under_test = worker(inbox, FakeSink(a=[ConfigurationError("401")]), published)
    with pytest.raises(ConfigurationError):
        await under_test.run(asyncio.Event())

    assert inbox.committed.get(place(), 0) == 0
    assert not published.records
    assert inbox.closed


async def test_an_error_nobody_expected_stops_the_worker_too() -> None:
    """A bug is not a reason to drop a record."""
    inbox, published = FakeInbox(incoming(0, "a")), Published()
    under_test = worker(inbox, FakeSink(a=[KeyError("party")]), published)
    with pytest.raises(KeyError):
        await under_test.run(asyncio.Event())

    assert inbox.committed.get(place(), 0) == 0


async def test_a_dead_letter_that_cannot_be_written_stops_the_worker() -> None:
    """Nothing is dropped: no letter, no commit (Invariant 2)."""
    inbox, published = FakeInbox(incoming(0, "a")), Published()
    published.failure = FatalError("dlt: the broker did not take a record")
    under_test = worker(inbox, FakeSink(a=[RejectedError("400")]), published)
    with pytest.raises(FatalError):
        await under_test.run(asyncio.Event())

    assert inbox.committed.get(place(), 0) == 0


async def test_too_many_dead_letters_stop_the_worker() -> None:
    """A wrong deploy must not pour the topic into the dead letters."""
    inbox = FakeInbox(*(incoming(n, f"k{n}") for n in range(10)))
    sink = FakeSink(**{f"k{n}": [RejectedError("400")] for n in range(10)})
    published = Published()
    under_test = worker(inbox, sink, published, dead_letters=DeadLetterLimit(3, 10))
    with pytest.raises(FatalError, match="more than 3"):
        await under_test.run(asyncio.Event())

    assert len(published.dead()) == 3
    assert inbox.committed.get(place(), 0) <= 3


async def test_stopping_drains_what_is_on_its_way_and_leaves_the_rest() -> None:
    """Invariant 10: SIGTERM waits for running writes; records not begun stay uncommitted."""
    inbox = FakeInbox(incoming(0, "a"), incoming(1, "a", 2), incoming(2, "b"))
    sink, published = FakeSink(), Published()
    sink.held["a"] = asyncio.Event()
    async with Running(worker(inbox, sink, published)) as running:
        await running.until(lambda: len(published.ledger()) == 1)
        running.stop.set()
        await quiet()
        sink.held["a"].set()

    assert [entry["offset"] for entry in published.ledger()] == [2, 0]
    assert ("a", 2) not in sink.calls
    assert inbox.committed[place()] == 1


async def test_stopping_does_not_wait_for_a_target_that_is_down() -> None:
    """A record in its back-off is let go, uncommitted."""
    inbox, published = FakeInbox(incoming(0, "a")), Published()
    sink = FakeSink(a=[UnavailableError("503") for _ in range(100_000)])
    async with Running(worker(inbox, sink, published)) as running:
        await running.until(lambda: len(sink.calls) > 3)

    assert inbox.committed.get(place(), 0) == 0
    assert inbox.closed


async def test_a_revoked_partition_is_finished_and_handed_over() -> None:
    """Its running write ends, its queue is left to the next owner, other partitions go on."""
    inbox = FakeInbox(incoming(0, "a"), incoming(1, "a", 2), incoming(0, "b", partition=1))
    sink, published = FakeSink(), Published()
    sink.held["a"] = asyncio.Event()
    async with Running(worker(inbox, sink, published)) as running:
        await running.until(lambda: sink.calls and len(published.ledger()) == 1)
        handed_over = asyncio.create_task(inbox.revoke(place(0)))
        await quiet()
        assert not handed_over.done()
        sink.held["a"].set()

        assert await handed_over == {place(0): 1}
        inbox.records.append(incoming(1, "b", partition=1))
        await running.until(lambda: inbox.committed.get(place(1)) == 2)
    assert ("a", 2) not in sink.calls


async def test_a_lost_partition_is_let_go_at_once() -> None:
    """Another worker has it already: waiting would only overlap longer."""
    inbox, sink = FakeInbox(incoming(0, "a")), FakeSink()
    sink.held["a"] = asyncio.Event()
    async with Running(worker(inbox, sink, Published())) as running:
        await running.until(lambda: bool(sink.calls))
        async with asyncio.timeout(1):
            await inbox.revoke(place(0), lost=True)

    assert inbox.committed.get(place(), 0) == 0


async def test_a_slow_target_pauses_the_partition_and_polling_goes_on() -> None:
    """Backpressure is a pause: the worker never drops out of its group."""
    inbox = FakeInbox(*(incoming(n, f"k{n}") for n in range(5)))
    sink = FakeSink()
    for n in range(5):
        sink.held[f"k{n}"] = asyncio.Event()
    async with Running(worker(inbox, sink, Published(), open_per_partition=5)) as running:
        await running.until(lambda: inbox.paused == {place()})
        inbox.records.append(incoming(5, "late"))
        before = inbox.takes
        await running.until(lambda: inbox.takes > before + 5)
        assert ("late", "v") not in sink.calls
        for event in sink.held.values():
            event.set()
        await running.until(lambda: inbox.committed.get(place()) == 6)


async def test_no_more_keys_are_in_flight_than_allowed() -> None:
    """The setting bounds the load on the target."""
    inbox = FakeInbox(*(incoming(n, f"k{n}") for n in range(30)))
    sink = FakeSink()
    async with Running(worker(inbox, sink, Published(), keys_in_flight=3)) as running:
        await running.until(lambda: inbox.committed.get(place()) == 30)

    assert sink.most_at_once == 3


async def test_a_state_is_written_in_its_newest_version_only() -> None:
    """Versions that wait behind a slow write are covered by the last one."""
    inbox = FakeInbox(incoming(0, "a", 0))
    sink, published = FakeSink(), Published()
    sink.held["a"] = asyncio.Event()
    async with Running(worker(inbox, sink, published, kind="state")) as running:
        await running.until(lambda: bool(sink.calls))
        inbox.records += [incoming(n, "a", n) for n in range(1, 10)]
        await running.until(lambda: not inbox.records)
        sink.held["a"].set()
        await running.until(lambda: inbox.committed.get(place()) == 10)

    assert sink.calls[0] == ("a", 0)
    assert sink.calls[-1] == ("a", 9)
    assert len(sink.calls) <= 3


async def test_a_state_being_retried_gives_way_to_its_newer_version() -> None:
    """Nobody needs yesterday's stock when the target is back."""
    failures: list[Exception] = [UnavailableError("503") for _ in range(100)]
    inbox, sink = FakeInbox(incoming(0, "a", 0)), FakeSink(a=failures)
    async with Running(worker(inbox, sink, Published(), kind="state")) as running:
        await running.until(lambda: bool(sink.calls))
        inbox.records.append(incoming(1, "a", 1))
        await running.until(lambda: inbox.committed.get(place()) == 2)

    assert sink.calls[-1] == ("a", 1)


async def test_a_partition_that_comes_back_starts_afresh() -> None:
    """Nothing of the first time stands in the way of its records when they come again."""
    inbox, sink, published = FakeInbox(incoming(0, "a")), FakeSink(), Published()
    sink.held["a"] = asyncio.Event()
    async with Running(worker(inbox, sink, published)) as running:
        await running.until(lambda: bool(sink.calls))
        await inbox.revoke(place(0), lost=True)
        sink.held.clear()
        inbox.records.append(incoming(0, "a"))
        await running.until(lambda: inbox.committed.get(place()) == 1)

    assert [entry["offset"] for entry in published.ledger()] == [0]
