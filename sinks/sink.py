"""What a sink must be able to do: one canonical record in, one target system made to agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from runtime.errors import RecordError

R_contra = TypeVar("R_contra", contravariant=True)

Outcome = Literal["created", "updated", "unchanged", "deleted"]


@dataclass(frozen=True, slots=True)
class Applied:
    """What a write did, and the target's own id of what was written."""

    outcome: Outcome
    target_id: str | None = None


class Sink(Protocol[R_contra]):
    """
    One entity in one target system.

    Both verbs are idempotent (Invariant 4): a record may arrive twice, never zero times.
    Raise ``TransientError`` to be called again, ``RecordError`` to give up on this record,
    ``FatalError`` to stop the worker.
    """

    async def upsert(self, key: str, record: R_contra) -> Applied:
        """Make the target hold exactly *record* under *key*."""
        ...

    async def delete(self, key: str) -> Applied:
        """Make the target hold nothing live under *key*."""
        ...


class BatchSink(Protocol[R_contra]):
    """
    The same, for a target that takes many records in one call.

    *records* holds each key once; None means delete. The answer has every key. A record that is
    refused on its own comes back as its RecordError; where the call was refused as a whole,
    raise it: the worker cuts the batch until the bad record stands alone.
    """

    async def write_many(
        self, records: Mapping[str, R_contra | None]
    ) -> Mapping[str, Applied | RecordError]:
        """Make the target hold exactly *records*."""
        ...
