"""What an agent sends and sets goes in; nothing leaves before the agent has returned."""

from collections.abc import Hashable
from typing import Protocol

from streams.batch.records import Headers, Outgoing


class Pending(Protocol):
    """Changes that wait for the end of the agent."""

    def flush(self) -> list[Outgoing]:
        """Apply them and say what to produce."""
        ...


class Outbox:
    """
    Everything that one batch, or one sweep, is to leave behind.

    An agent that raises leaves nothing behind, because nothing was produced yet.
    """

    __slots__ = ("messages", "views")

    def __init__(self) -> None:
        self.messages: list[Outgoing] = []
        self.views: dict[Hashable, Pending] = {}

    def send(
        self,
        topic: str,
        *,
        key: bytes | None = None,
        value: bytes | None = None,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        """Produce one record, in the order of the calls; without a partition the key decides."""
        self.messages.append(Outgoing(topic, key, value, headers, partition))

    def commit(self) -> list[Outgoing]:
        """
        Apply all table changes and give everything to produce: first what was sent.

        The worker calls it when the agent has returned; a unit test may, too.
        """
        changes = [record for view in self.views.values() for record in view.flush()]
        return [*self.messages, *changes]
