"""Keys and values in, a changelog out: state that survives the worker, per partition."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from streams.batch.keys import SortedKeys
from streams.batch.outbox import Outbox
from streams.batch.records import Batch, Outgoing, Record


@dataclass(frozen=True, slots=True)
class Codec:
    """How values become bytes; a value that is read is always a fresh copy."""

    dumps: Callable[[Any], bytes]
    loads: Callable[[bytes], Any]


JSON = Codec(orjson.dumps, orjson.loads)
RAW = Codec(bytes, bytes)


class Shard:
    """One partition of a table: what the changelog says, in memory."""

    __slots__ = ("_sorted", "values")

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self._sorted = SortedKeys()

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set *key*, or remove it when *value* is None."""
        if value is None:
            if self.values.pop(key, None) is not None:
                self._sorted.discard(key)
            return
        if key not in self.values:
            self._sorted.add(key)
        self.values[key] = value

    def scan(self, prefix: bytes) -> list[bytes]:
        """List the keys that start with *prefix*, sorted."""
        return self._sorted.scan(prefix)


@dataclass(eq=False)
class Table:
    """
    A durable dict, cut in partitions; agents reach it through views.

    It needs no broker: a unit test builds one, calls the agent, and commits the outbox.
    """

    name: str = "table"
    changelog: str = "table-changelog"
    codec: Codec = JSON
    shards: dict[int, Shard] = field(default_factory=dict)

    def shard(self, partition: int) -> Shard:
        """Give the part that belongs to *partition*."""
        return self.shards.setdefault(partition, Shard())

    def view(self, scope: Batch | int, out: Outbox) -> "View":
        """Open this table for one batch, or for one partition in a sweep."""
        partition = scope if isinstance(scope, int) else scope.partition
        view = out.views.get((self, partition))
        if view is None:
            view = out.views[self, partition] = View(self, partition)
        assert isinstance(view, View)  # noqa: S101 - the key holds the table
        return view

    def recover(self, partition: int, records: Iterable[Record]) -> None:
        """Take over what the changelog says."""
        shard = self.shard(partition)
        for record in records:
            if record.key is not None:
                shard.put(record.key, record.value)

    def drop(self, partition: int) -> None:
        """Forget a partition that is somebody else's now."""
        self.shards.pop(partition, None)


class View:
    """
    The part of a table that a batch may see and change.

    Changes are kept aside, in first-set order of their keys, until the agent has returned.
    """

    __slots__ = ("_changes", "_codec", "_partition", "_table")

    def __init__(self, table: Table, partition: int) -> None:
        self._table = table
        self._partition = partition
        self._codec = table.codec
        self._changes: dict[bytes, bytes | None] = {}

    def get(self, key: bytes, default: Any = None) -> Any:
        """Read a value, decoded anew each time."""
        value = self._raw(key)
        return default if value is None else self._codec.loads(value)

    def __getitem__(self, key: bytes) -> Any:
        value = self._raw(key)
        if value is None:
            raise KeyError(key)
        return self._codec.loads(value)

    def __contains__(self, key: bytes) -> bool:
        return self._raw(key) is not None

    def __setitem__(self, key: bytes, value: Any) -> None:
        self._changes[key] = self._codec.dumps(value)  # a key set twice keeps its first place

    def __delitem__(self, key: bytes) -> None:
        self.delete(key)

    def delete(self, key: bytes) -> None:
        """Remove *key*; a key that is absent stays absent."""
        if key in self._changes or self._raw(key) is not None:
            self._changes[key] = None

    def items(self, prefix: bytes = b"") -> Iterator[tuple[bytes, Any]]:
        """Iterate keys that start with *prefix*, sorted, pending changes included."""
        keys = set(self._table.shard(self._partition).scan(prefix))
        keys |= {key for key in self._changes if key.startswith(prefix)}
        for key in sorted(keys):
            value = self._raw(key)
            if value is not None:
                yield key, self._codec.loads(value)

    def flush(self) -> list[Outgoing]:
        """Apply the changes and give the changelog records that make them durable."""
        table, partition = self._table, self._partition
        shard = table.shard(partition)
        records = []
        for key, value in self._changes.items():
            if shard.values.get(key) != value:  # what is already so is already in the changelog
                shard.put(key, value)
                records.append(Outgoing(table.changelog, key, value, partition=partition))
        self._changes.clear()
        return records

    def _raw(self, key: bytes) -> bytes | None:
        if key in self._changes:
            return self._changes[key]
        return self._table.shard(self._partition).values.get(key)
