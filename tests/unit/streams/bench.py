"""Raw records in, published orders out: the two halves of the orders app, without a broker."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from runtime.dead_letters import DeadLetterLimit
from schemas.records import Order
from streams.batch import Batch, Outbox, Outgoing, Table
from streams.dead_letter import DeadLetters
from streams.mappings.vendure.customer import CustomerReference
from streams.mappings.vendure.variant import VariantReference
from streams.orders.gather import Desk, gather
from streams.orders.release import SOURCE, TARGET, Release
from tests.unit.streams.shop import Raw, ShopLog


@dataclass(slots=True)
class FakeReferences:
    """Knows the ids it is told."""

    variants: dict[int, str] = field(default_factory=lambda: {n: f"SKU-{n}" for n in range(1, 400)})
    customers: set[int] = field(default_factory=lambda: {1, 2})
    version: int = 0

    def variant(self, identity: int) -> VariantReference | None:
        sku = self.variants.get(identity)
        return None if sku is None else {"sku": sku, "deleted": False}

    def customer(self, identity: int) -> CustomerReference | None:
        if identity not in self.customers:
            return None
        return {"email": "ann@ex.org", "name": "Ann Doé", "telephone": None, "registered": True}


@dataclass(slots=True)
class KeepingCodec:
    """Encodes a record as its place in a list."""

    records: list[Order] = field(default_factory=list)
    error: Exception | None = None

    def encode(self, record: Order) -> bytes:
        if self.error is not None:
            raise self.error
        self.records.append(record)
        return b"%d" % (len(self.records) - 1)


class Bench:
    """
    One partition of the orders app.

    `changelog` holds every table change that became durable, so that `crash` can keep a prefix.
    """

    def __init__(self) -> None:
        self.references = FakeReferences()
        self.codec = KeepingCodec()
        self.time = datetime(2026, 11, 24, tzinfo=UTC)
        self.published: list[Order] = []
        self.dead: list[Outgoing] = []
        self.changelog: list[Outgoing] = []
        self.log: list[Raw] = []
        self.ends: list[tuple[int, int]] = []
        self.committed = 0
        self._wire(Desk(Table("orders", "orders"), Table("marks", "marks")))

    def _wire(self, desk: Desk) -> None:
        self.desk = desk
        self.dead_letters = DeadLetters("streams.orders", DeadLetterLimit(limit=50, window=200))
        self.release = Release(
            desk=desk,
            references=self.references,
            codec=self.codec,
            reached=self._reached,
            dead_letters=self.dead_letters,
            wait_seconds=60,
            clock=lambda: self.time,
        )

    def write(self, shop: ShopLog) -> None:
        """Let Connect write all of a shop's transactions, with their ENDs."""
        for position, events in shop.commits:
            for key, value in events:
                self.append(key, value)
            self.ends.append((position, len(self.log)))

    def append(self, key: bytes | None, value: bytes | None) -> None:
        """Put one record into the topic."""
        self.log.append(Raw(key, value, offset=len(self.log)))

    def read(self, count: int | None = None) -> None:
        """Fold the next *count* records, or all that are left, as one batch."""
        records = self.log[self.committed :][:count]
        if records:
            self.keep(self.fold(records))
            self.committed = records[-1].offset + 1

    def fold(self, records: Sequence[Raw]) -> list[Outgoing]:
        """Fold one batch, and say what it leaves behind; nothing is acknowledged yet."""
        out = Outbox()
        gather(
            Batch(SOURCE, 0, records),
            out,
            desk=self.desk,
            dead_letters=self.dead_letters,
            clock=lambda: self.time,
        )
        return out.commit()

    def sweep(self) -> None:
        """Let go what may go."""
        out = Outbox()
        self.release(0, out)
        self.keep(out.commit())

    def run(self, count: int | None = None) -> None:
        """Read to the end in batches of *count*, sweeping after each."""
        while self.committed < len(self.log):
            self.read(count)
            self.sweep()
        self.sweep()

    def crash(self, lost: Sequence[Outgoing], kept: int) -> None:
        """Die while *lost* was on its way: *kept* of it per table became durable, no offset."""
        for table in ("orders", "marks"):
            self.changelog += [one for one in lost if one.topic == table][:kept]
        self.revive()

    def revive(self) -> None:
        """Start again from what is durable."""
        desk = Desk(Table("orders", "orders"), Table("marks", "marks"))
        for table in (desk.orders, desk.marks):
            records: list[Any] = [one for one in self.changelog if one.topic == table.name]
            table.recover(0, records)
        self._wire(desk)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)

    def reasons(self) -> list[str]:
        """Say why records were given up on."""
        return [dict(one.headers)["syncline.reason"].decode() for one in self.dead]  # type: ignore[union-attr]

    def keep(self, messages: Sequence[Outgoing]) -> None:
        """Note what the broker confirmed."""
        for message in messages:
            if message.topic == TARGET:
                self.published.append(self.codec.records[int(message.value or b"")])
            elif message.topic.startswith("dlt."):
                self.dead.append(message)
            else:
                self.changelog.append(message)

    def _reached(self, partition: int, next_offset: int) -> int:
        assert partition == 0
        return max((position for position, end in self.ends if end <= next_offset), default=-1)


def content(record: Order) -> dict[str, Any]:
    """Return what an order says, wherever it was read."""
    return {name: value for name, value in record.items() if name != "source"}
