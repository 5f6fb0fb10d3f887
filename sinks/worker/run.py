"""Records of one topic in, a target that agrees out; offsets are committed last."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Generic, Protocol, TypeVar

from runtime import dead_letters
from runtime.errors import MappingError, RecordError, TransientError
from runtime.inbox import Incoming, Place, Revoked
from runtime.metrics import Metrics
from runtime.retry import Backoff
from schemas import topics
from schemas.records import LedgerEntry
from sinks.sink import Applied
from sinks.worker.entry import ledger_entry
from sinks.worker.lane import Lane
from sinks.worker.progress import Progress
from sinks.worker.route import Limits, Route

log = logging.getLogger(__name__)

R = TypeVar("R")

TAKE_SECONDS = 0.1


class Inbox(Protocol):
    """Where records come from: `runtime.inbox.Inbox`."""

    async def open(self, revoked: Revoked) -> None:
        """Join the group."""
        ...

    async def take(self, seconds: float) -> Sequence[Incoming]:
        """Records that are here."""
        ...

    def pause(self, places: frozenset[Place]) -> None:
        """Take nothing of *places*."""
        ...

    async def commit(self, offsets: Mapping[Place, int]) -> bool:
        """Promise never to ask again for what lies before *offsets*."""
        ...

    async def close(self) -> None:
        """Leave the group."""
        ...


class Publish(Protocol):
    """Writes one record and returns when it is durable: `runtime.publisher.Publisher`."""

    async def __call__(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]] = (),
    ) -> None:
        """Return when the record is durable."""
        ...


class AbandonedError(Exception):
    """The lane is closing: its record stays uncommitted and comes again elsewhere."""


@dataclass(slots=True)
class Worker(Generic[R]):
    """Delivers one route until told to stop, or until an error that only a person can mend."""

    route: Route[R]
    inbox: Inbox
    publish: Publish
    encode_ledger: Callable[[LedgerEntry], bytes]
    limits: Limits = field(default_factory=Limits)
    backoff: Backoff = field(default_factory=lambda: Backoff(ceiling=5.0))
    metrics: Metrics = field(default_factory=Metrics)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _books: dict[Place, Progress] = field(default_factory=dict)
    _lanes: dict[tuple[Place, bytes], Lane] = field(default_factory=dict)
    _tasks: dict[tuple[Place, bytes], "asyncio.Task[None]"] = field(default_factory=dict)
    _failure: BaseException | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until *stop*; then drain (Invariant 10). Raises what stopped it, if not that."""
        await self.inbox.open(self._revoked)
        due = monotonic() + self.limits.commit_every
        try:
            while not stop.is_set() and self._failure is None:
                for record in await self.inbox.take(TAKE_SECONDS):
                    self._admit(record)
                self.inbox.pause(self._full())
                if monotonic() >= due:
                    await self._commit()
                    due = monotonic() + self.limits.commit_every
        finally:
            await self._drain(list(self._lanes), self.limits.drain)
            await self._commit()
            await self.inbox.close()
        if self._failure is not None:
            raise self._failure

    def _admit(self, record: Incoming) -> None:
        self._books.setdefault(record.place, Progress()).take(record.offset)
        name = (record.place, record.key)
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = Lane(record.place, record.key, self.route.kind)
            self._tasks[name] = task = asyncio.create_task(self._work(lane))
            task.add_done_callback(self._ended)
        lane.waiting.append(record)

    def _full(self) -> frozenset[Place]:
        """Partitions to pause: a slow target is lag, not memory."""
        return frozenset(
            place
            for place, book in self._books.items()
            if book.open() >= self.limits.open_per_partition
            or book.span() >= self.limits.span_per_partition
        )

    async def _work(self, lane: Lane) -> None:
        """Empty one lane."""
        try:
            while lane.waiting and not lane.closing:
                await self._deliver(lane)
        finally:
            name = (lane.place, lane.key)
            if self._lanes.get(name) is lane:
                del self._lanes[name], self._tasks[name]

    async def _deliver(self, lane: Lane) -> None:
        attempts = 0
        record = lane.next()
        value: R | None = None

        async def attempt() -> Applied:
            nonlocal attempts, record, value
            attempts += 1
            record = lane.next()  # a state may have a newer version by now
            key, value = await self._read(record)
            try:
                return await self.route.apply(key, value, lane.writing)
            except TransientError:
                if lane.closing:
                    raise AbandonedError from None
                raise

        def tell(number: int, error: TransientError) -> None:
            self.metrics.retried(self.route.entity, self.route.target)
            # The first failures of a record are ordinary; one that goes on is worth a line.
            level = logging.WARNING if number in {3, 10} or number % 100 == 0 else logging.DEBUG
            log.log(level, "trying again", extra=self._about(record, str(error), number))

        try:
            applied = await replace(self.backoff, on_retry=tell)(attempt)
        except RecordError as error:
            with lane.writing():
                await self._bury(record, error)
                lane.given_up(record)
                self._books[lane.place].finish(record.offset)
        else:
            with lane.writing():
                await self._enter(record, value, applied, attempts)
                for done in lane.applied(record):
                    self._books[lane.place].finish(done.offset)

    async def _read(self, record: Incoming) -> tuple[str, R | None]:
        try:
            key = record.key.decode()
        except UnicodeDecodeError as error:
            raise MappingError(f"the key {record.key!r} is not UTF-8 text") from error
        if record.value is None:
            return key, None
        # A new schema number asks the registry, and that must not hold up the loop.
        return key, await asyncio.to_thread(self.route.decode, record.value)

    async def _enter(self, record: Incoming, value: Any, applied: Applied, attempts: int) -> None:
        entry = ledger_entry(
            self.route.entity,
            self.route.target,
            record,
            value=value,
            applied=applied,
            attempts=attempts,
            now=self.now(),
        )
        key = f"{self.route.entity}/{entry['key']}".encode()
        await self.publish(topics.LEDGER, key=key, value=self.encode_ledger(entry))
        self.limits.dead_letters.good()
        self.metrics.applied(entry)

    async def _bury(self, record: Incoming, error: RecordError) -> None:
        """Write the dead letter; a failed write stops the worker, nothing is dropped."""
        self.limits.dead_letters.dead(error)
        origin = dead_letters.Origin(
            self.route.group, record.place.topic, record.place.partition, record.offset
        )
        await self.publish(
            topics.dead_letters(self.route.group),
            key=record.key,
            value=record.value,
            headers=dead_letters.headers(origin, error, now=self.now()),
        )
        self.metrics.buried(self.route.entity, self.route.target)
        log.warning("dead letter", extra=self._about(record, str(error)))

    def _about(self, record: Incoming, reason: str, attempt: int = 1) -> dict[str, Any]:
        return {
            "entity": self.route.entity,
            "target": self.route.target,
            "key": record.key.decode(errors="replace"),
            "partition": record.place.partition,
            "offset": record.offset,
            "attempt": attempt,
            "reason": reason,
        }

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Keep the first error that is none of a record's own: it stops the worker."""
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, AbandonedError):
            self._failure = self._failure or error

    async def _commit(self) -> None:
        offsets = {
            place: offset
            for place, book in self._books.items()
            if (offset := book.committable()) is not None
        }
        if offsets and await self.inbox.commit(offsets):  # Invariant 1: commit last.
            for place, offset in offsets.items():
                if place in self._books:
                    self._books[place].committed = offset

    async def _drain(self, names: Sequence[tuple[Place, bytes]], seconds: float) -> None:
        """Let writes that are on their way end; leave the rest uncommitted."""
        tasks = [self._tasks[name] for name in names]
        for name in names:
            lane = self._lanes[name]
            lane.closing = True
            if not lane.busy:
                self._tasks[name].cancel()
        if not tasks:
            return
        _, unfinished = await asyncio.wait(tasks, timeout=seconds)
        for task in unfinished:
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished)
        for name in names:  # a task that was cancelled before its first step has not done so
            self._lanes.pop(name, None)
            self._tasks.pop(name, None)

    async def _revoked(self, places: frozenset[Place], lost: bool) -> Mapping[Place, int]:
        """Finish what is on its way in *places*; another worker reads on from the answer."""
        names = [name for name in self._lanes if name[0] in places]
        await self._drain(names, 0 if lost else self.limits.handover)
        books = {place: self._books.pop(place) for place in places if place in self._books}
        return {
            place: offset
            for place, book in books.items()
            if (offset := book.committable()) is not None
        }
