"""Single writes that wait side by side in; the target's batch calls out."""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from runtime.errors import PlatformError, RecordError
from sinks.sink import Applied, BatchSink
from sinks.worker.breaker import Breaker
from sinks.worker.route import Writing

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[R]):
    record: R | None
    writing: Writing
    answer: "asyncio.Future[Applied]"


@dataclass(slots=True)
class Batched(Generic[R]):
    """
    Collects what waits while a batch is under way, and sends it as the next batch.

    Nothing is held back to fill a batch: a lone record goes at once. One batch at a time, so two
    writes to one key can never overlap in the target. A batch that is refused as a whole is cut
    in half until the bad record stands alone.
    """

    sink: BatchSink[R]
    breaker: Breaker
    at_most: int = 50
    _waiting: dict[str, _Waiting[R]] = field(default_factory=dict)
    _sent: dict[str, _Waiting[R]] = field(default_factory=dict)
    _running: "asyncio.Task[None] | None" = None

    async def __call__(self, key: str, record: R | None, writing: Writing) -> Applied:
        """Write one record, in company; a key is never here twice at a time."""
        answer: asyncio.Future[Applied] = asyncio.get_running_loop().create_future()
        self._waiting[key] = _Waiting(record, writing, answer)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
            self._running.add_done_callback(self._ended)
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # let every lane that is ready step up
            keys = list(self._waiting)[: self.at_most]
            self._sent = {key: self._waiting.pop(key) for key in keys}
            await self._send(self._sent)

    async def _send(self, batch: Mapping[str, _Waiting[R]]) -> None:
        # A lane that went away (its partition was revoked) has cancelled its answer.
        batch = {key: one for key, one in batch.items() if not one.answer.done()}
        if not batch:
            return
        try:
            answers = await self.breaker(next(iter(batch)), lambda: self._write(batch))
        except RecordError as error:
            if len(batch) == 1:
                _settle(batch, dict.fromkeys(batch, error))
                return
            keys = list(batch)
            for half in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
                await self._send({key: batch[key] for key in half})
        except PlatformError as error:
            _fail(batch, error)
        else:
            _settle(batch, answers)

    async def _write(self, batch: Mapping[str, _Waiting[R]]) -> Mapping[str, Applied | RecordError]:
        with ExitStack() as writings:
            for one in batch.values():
                writings.enter_context(one.writing())
            return await self.sink.write_many({key: one.record for key, one in batch.items()})

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Tell those who wait of an error that nobody expected; it stops the worker."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _fail({**self._waiting, **self._sent}, error)
            self._waiting.clear()


def _settle(batch: Mapping[str, _Waiting[R]], answers: Mapping[str, Applied | RecordError]) -> None:
    for key, one in batch.items():
        given = answers[key]
        if one.answer.done():
            continue
        if isinstance(given, RecordError):
            one.answer.set_exception(given)
        else:
            one.answer.set_result(given)


def _fail(batch: Mapping[str, _Waiting[R]], error: BaseException) -> None:
    for one in batch.values():
        if not one.answer.done():
            one.answer.set_exception(error)
