"""Records to write in; a coroutine that returns when the broker has confirmed them out."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from runtime.errors import FatalError


class Producer(Protocol):
    """A producer that confirms; *on_delivery* may be called from any thread."""

    def send(  # noqa: PLR0913 - a record has these parts
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
        partition: int | None,
        on_delivery: Callable[[str | None], None],
    ) -> None:
        """Queue one record; *on_delivery* gets None, or why it was not taken."""
        ...


@dataclass(frozen=True, slots=True)
class Publisher:
    """Writes single records, for those who must know that they are durable (Invariant 1)."""

    producer: Producer

    async def __call__(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]] = (),
    ) -> None:
        """Return when the record is durable; raises FatalError when the broker gave up on it."""
        loop = asyncio.get_running_loop()
        confirmed: asyncio.Future[str | None] = loop.create_future()

        def settle(error: str | None) -> None:
            if not confirmed.done():
                confirmed.set_result(error)

        def on_delivery(error: str | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, error)

        self.producer.send(
            topic, key=key, value=value, headers=headers, partition=None, on_delivery=on_delivery
        )
        error = await confirmed
        if error is not None:
            raise FatalError(f"{topic}: the broker did not take a record: {error}")
