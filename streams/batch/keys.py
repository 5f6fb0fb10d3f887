"""Keys in, keys by prefix out: a sorted set that is cheap to add to and to scan."""

from bisect import bisect_left
from collections.abc import Iterator

SLACK = 64


class SortedKeys:
    """
    Sorted keys, with newcomers kept aside until they are many.

    Adding and removing cost no search; a scan costs its answer plus the few keys kept aside.
    """

    __slots__ = ("_added", "_keys", "_removed")

    def __init__(self) -> None:
        self._keys: list[bytes] = []
        self._added: set[bytes] = set()
        self._removed: set[bytes] = set()

    def add(self, key: bytes) -> None:
        """Add a key that is not there."""
        if key in self._removed:
            self._removed.remove(key)
        else:
            self._added.add(key)

    def discard(self, key: bytes) -> None:
        """Remove a key that is there."""
        if key in self._added:
            self._added.remove(key)
        else:
            self._removed.add(key)

    def scan(self, prefix: bytes) -> list[bytes]:
        """List the keys that start with *prefix*, sorted."""
        if len(self._added) + len(self._removed) > SLACK + len(self._keys) // SLACK:
            self._merge()
        found = [key for key in self._old(prefix) if key not in self._removed]
        new = [key for key in self._added if key.startswith(prefix)]
        return sorted(found + new) if new else found

    def _old(self, prefix: bytes) -> Iterator[bytes]:
        keys = self._keys
        for index in range(bisect_left(keys, prefix), len(keys)):
            if not keys[index].startswith(prefix):
                return
            yield keys[index]

    def _merge(self) -> None:
        kept = [key for key in self._keys if key not in self._removed]
        self._keys = sorted(kept + sorted(self._added))
        self._added.clear()
        self._removed.clear()
