"""
Change events in, documents out: the rows that belong together, whatever they are about.

A document's rows lie in a table under the document's key, each with the position of the change
that put it there. A change that is not newer than what is held is no news, so that duplicates,
replays and restarts change nothing (Invariant 4). A deleted row is kept as its position alone:
an old change that comes again must not bring it back.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from streams.change_event import EPOCH, ChangeEvent, Position, Row


class Cells(Protocol):
    """Where documents lie: a view of a table, or a dict in a test."""

    def get(self, key: bytes, default: Any = None, /) -> Any:
        """Read a value that may be absent."""
        ...

    def __setitem__(self, key: bytes, value: Any, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Document:
    """
    Rows that belong together, as the newest changes left them.

    Attributes:
        rows: The live rows of each table, by primary key.
        position: Where the newest change stands in commit order (`Position.reach`). The document
            holds whole transactions once a commit beyond it was seen.
        table: The table of the newest change.
    """

    rows: Mapping[str, tuple[Row, ...]]
    position: int
    transaction: str
    commit_time: datetime
    table: str

    def only(self, table: str) -> Row | None:
        """The row of a table that has at most one, such as the document's root."""
        rows = self.rows.get(table, ())
        return rows[0] if rows else None


def fold(cells: Cells, key: bytes, event: ChangeEvent) -> bool:
    """Put one change into the document *key*; False when it is no news."""
    place = _cell(key, event.table, event.identity)
    held = cells.get(place)
    news = held is None or event.position.newer_than(Position.from_json(held["at"]))
    # The index first, and even without news: a crash keeps a prefix of what a batch set, and the
    # document must never claim to be older than one of its rows.
    cells[key] = _indexed(cells.get(key) or {}, event)
    if news:
        values = None if event.after is None else dict(event.after.values)
        cells[place] = {"at": event.position.as_json(), "row": values}
    return news


def load(cells: Cells, key: bytes) -> Document | None:
    """Read the document *key*; None when nothing was ever folded into it."""
    index = cells.get(key)
    if index is None:
        return None
    rows = {
        table: tuple(
            Row(table, held["row"])
            for identity in sorted(identities, key=int)
            if (held := cells.get(_cell(key, table, identity))) and held["row"] is not None
        )
        for table, identities in index["rows"].items()
    }
    return Document(
        rows=rows,
        position=index["position"],
        transaction=index["transaction"],
        commit_time=EPOCH + timedelta(microseconds=index["commit_time"]),
        table=index["table"],
    )


def position(cells: Cells, key: bytes) -> int:
    """Where the newest change of the document stands, without reading its rows."""
    index = cells.get(key)
    return -1 if index is None else int(index["position"])


def _indexed(index: Mapping[str, Any], event: ChangeEvent) -> dict[str, Any]:
    """Return the document's own cell: which rows it has, and its newest change."""
    rows = defaultdict(list, index.get("rows", {}))
    if event.identity not in rows[event.table]:
        rows[event.table].append(event.identity)
    reach = event.position.reach
    if reach < index.get("position", 0):
        return {**index, "rows": rows}
    return {
        "rows": rows,
        "position": reach,
        "transaction": event.transaction,
        "commit_time": (event.commit_time - EPOCH) // timedelta(microseconds=1),
        "table": event.table,
    }


def _cell(key: bytes, table: str, identity: str) -> bytes:
    return b"%b/%b/%b" % (key, table.encode(), identity.encode())


def held_row(cells: Cells, key: bytes, table: str, identity: str) -> Row | None:
    """Read one live row of a document, without reading the others."""
    held = cells.get(_cell(key, table, identity))
    return None if held is None or held["row"] is None else Row(table, held["row"])
