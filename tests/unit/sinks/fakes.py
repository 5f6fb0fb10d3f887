"""An inbox, a sink and a publisher that remember, for the worker's tests."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

from runtime.dead_letters import DeadLetterLimit
from runtime.errors import MappingError, RecordError
from runtime.inbox import Incoming, Place, Revoked
from runtime.retry import Backoff
from schemas.records import LedgerEntry
from sinks.sink import Applied
from sinks.worker import Breaker, Limits, Route, Worker, direct
from sinks.worker.lane import Kind
from sinks.worker.route import Apply

TOPIC = "canonical.thing"
GROUP = "sinks.fake.thing"
SOURCE = {
    "system": "fake",
    "table": "thing",
    "position": 7,
    "transaction": "1",
    "commit_time": datetime(2026, 11, 24, tzinfo=UTC),
}


def place(partition: int = 0) -> Place:
    """A partition of the topic."""
    return Place(TOPIC, partition)


def incoming(offset: int, key: str, value: Any = "v", *, partition: int = 0) -> Incoming:
    """One record as the log has it."""
    data = None if value is None else json.dumps(value).encode()
    return Incoming(place(partition), offset, key.encode(), data)


def decode(data: bytes) -> dict[str, Any]:
    """Read a record; bytes that are no JSON are refused."""
    try:
        return {"source": SOURCE, "value": json.loads(data)}
    except ValueError as error:
        raise MappingError(f"value: not JSON: {data!r}") from error


class FakeInbox:
    """Gives out what was put in; remembers commits and pauses."""

    def __init__(self, *records: Incoming) -> None:
        self.records = list(records)
        self.committed: dict[Place, int] = {}
        self.paused: frozenset[Place] = frozenset()
        self.pauses: list[frozenset[Place]] = []
        self.revoked: Revoked | None = None
        self.closed = False
        self.takes = 0

    async def open(self, revoked: Revoked) -> None:
        self.revoked = revoked

    async def take(self, seconds: float) -> Sequence[Incoming]:
        self.takes += 1
        await asyncio.sleep(min(seconds, 0.001))
        ready = [one for one in self.records if one.place not in self.paused]
        self.records = [one for one in self.records if one.place in self.paused]
        return ready

    def pause(self, places: frozenset[Place]) -> None:
        self.paused = places
        self.pauses.append(places)

    async def commit(self, offsets: Mapping[Place, int]) -> bool:
        self.committed.update(offsets)
        return True

    async def close(self) -> None:
        self.closed = True

    async def revoke(self, *places: Place, lost: bool = False) -> Mapping[Place, int]:
        assert self.revoked is not None
        return await self.revoked(frozenset(places), lost)


class FakeSink:
    """Holds what was written; fails on cue; may be held up per key."""

    def __init__(self, **failures: Sequence[Exception]) -> None:
        self.failures = {key: list(errors) for key, errors in failures.items()}
        self.calls: list[tuple[str, Any]] = []
        self.held: dict[str, asyncio.Event] = {}
        self.at_once: dict[str, int] = {}
        self.most_at_once = 0

    async def upsert(self, key: str, record: dict[str, Any]) -> Applied:
        return await self._write(key, record["value"])

    async def delete(self, key: str) -> Applied:
        return await self._write(key, None)

    async def _write(self, key: str, value: Any) -> Applied:
        self.at_once[key] = self.at_once.get(key, 0) + 1
        self.most_at_once = max(self.most_at_once, sum(self.at_once.values()))
        assert self.at_once[key] == 1, f"{key} is written twice at once"
        try:
            self.calls.append((key, value))
            if key in self.held:
                await self.held[key].wait()
            else:
                await asyncio.sleep(0)
            if self.failures.get(key):
                raise self.failures[key].pop(0)
        finally:
            self.at_once[key] -= 1
        return Applied("created" if value is not None else "deleted", f"id-{key}")


class FakeBatchSink:
    """Takes many at once; refuses a batch as a whole when a key in it is *poison*."""

    def __init__(self, *poison: str) -> None:
        self.poison = set(poison)
        self.batches: list[list[str]] = []
        self.held: asyncio.Event | None = None

    async def write_many(
        self, records: Mapping[str, dict[str, Any] | None]
    ) -> Mapping[str, Applied | RecordError]:
        self.batches.append(sorted(records))
        if self.held is not None:
            await self.held.wait()
        await asyncio.sleep(0)
        if self.poison & set(records):
            raise RecordError(f"refused: one of {sorted(records)}")
        return {key: Applied("updated") for key in records}


class Published:
    """Remembers what was made durable, in order."""

    def __init__(self) -> None:
        self.records: list[tuple[str, bytes | None, bytes | None, dict[str, str]]] = []
        self.failure: Exception | None = None
        self.held: asyncio.Event | None = None

    async def __call__(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]] = (),
    ) -> None:
        if self.held is not None:
            await self.held.wait()
        if self.failure is not None:
            raise self.failure
        pairs = {name: (text or b"").decode() for name, text in headers}
        self.records.append((topic, key, value, pairs))

    def ledger(self) -> list[dict[str, Any]]:
        return [
            json.loads(value or b"") for topic, _, value, _ in self.records if topic == "ledger"
        ]

    def dead(self) -> list[tuple[bytes | None, dict[str, str]]]:
        return [(key, pairs) for topic, key, _, pairs in self.records if topic == f"dlt.{GROUP}"]


def encode_ledger(entry: LedgerEntry) -> bytes:
    """The entry as JSON, easy to look into."""
    return json.dumps(entry, default=str).encode()


async def no_wait(_seconds: float) -> None:
    """Yield, and do not sleep."""
    await asyncio.sleep(0)


def breaker() -> Breaker:
    """One that does not wait."""
    return Breaker("fake", sleep=no_wait)


async def quiet() -> None:
    """Let everything run that can run without a new event."""
    for _ in range(100):
        await asyncio.sleep(0)


def worker(
    inbox: FakeInbox,
    sink: FakeSink,
    published: Published,
    *,
    kind: Kind = "document",
    apply: Apply[Any] | None = None,
    keys_in_flight: int = 8,
    **limits: Any,
) -> Worker[Any]:
    """A worker with everything faked and no waiting."""
    limits.setdefault("dead_letters", DeadLetterLimit(5, 20))
    limits.setdefault("commit_every", 0)
    return Worker(
        route=Route(
            entity="thing",
            target="fake",
            kind=kind,
            group=GROUP,
            decode=decode,
            apply=apply or direct(sink, breaker(), keys_in_flight=keys_in_flight),
        ),
        inbox=inbox,
        publish=published,
        encode_ledger=encode_ledger,
        limits=Limits(**limits),
        backoff=Backoff(sleep=no_wait),
    )


class Running:
    """A worker under way: `async with Running(worker) as running: await running.until(...)`."""

    def __init__(self, under_test: Worker[Any]) -> None:
        self.worker = under_test
        self.stop = asyncio.Event()

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self.worker.run(self.stop))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        await self.task

    async def until(self, condition: Callable[[], object], seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                if self.task.done():
                    await self.task
                    raise AssertionError("the worker ended before the condition came true")
                await asyncio.sleep(0.001)
