"""What one worker does: from which topic, for which target, and how its records are written."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from runtime.dead_letters import DeadLetterLimit
from sinks.sink import Applied, Sink
from sinks.worker.breaker import Breaker
from sinks.worker.lane import Kind

R = TypeVar("R")
R_contra = TypeVar("R_contra", contravariant=True)

Writing = Callable[[], AbstractContextManager[None]]
"""Entered while a write may be on its way, so that a draining worker waits for it."""


class Apply(Protocol[R_contra]):
    """Makes the target agree with one record; None is a tombstone."""

    async def __call__(self, key: str, record: R_contra | None, writing: Writing) -> Applied:
        """Return what it did; raises one of the three kinds of errors."""
        ...


@dataclass(frozen=True, slots=True)
class Route(Generic[R]):
    """One entity on its way to one target. *decode* may raise RecordError or TransientError."""

    entity: str
    target: str
    kind: Kind
    group: str
    decode: Callable[[bytes], R]
    apply: Apply[R]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a worker holds at once; times in seconds."""

    dead_letters: DeadLetterLimit = field(default_factory=lambda: DeadLetterLimit(50, 200))
    open_per_partition: int = 1_000
    span_per_partition: int = 10_000
    commit_every: float = 0.5
    drain: float = 8.0
    handover: float = 60.0


def direct(sink: Sink[Any], breaker: Breaker, *, keys_in_flight: int) -> Apply[Any]:
    """Write record by record, at most *keys_in_flight* at once."""
    slots = asyncio.Semaphore(keys_in_flight)

    async def apply(key: str, record: Any | None, writing: Writing) -> Applied:
        async def call() -> Applied:
            async with slots:
                with writing():
                    if record is None:
                        return await sink.delete(key)
                    return await sink.upsert(key, record)

        return await breaker(key, call)

    return apply
