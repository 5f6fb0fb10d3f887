"""
Batches of ``cdc.vendure.order`` in, gathered orders out: rows folded, placed orders marked.

Nothing is published here. A placed order that was touched gets a mark, and `release` publishes
marked orders when they are whole; so there is one way out, whatever an order waited for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, cast

from runtime.errors import RecordError
from streams.batch import Batch, Outbox, Record, Table
from streams.change_event import ChangeEvent, parse
from streams.dead_letter import DeadLetters
from streams.document import Cells, fold, held_row
from streams.mappings.vendure.order import COLUMNS, placed

PROGRESS = b"progress"


class Progress(TypedDict):
    """
    How far a partition was folded: written last, so that a crash never leaves it ahead.

    Attributes:
        next_offset: Every record before it was folded.
        commit: Every transaction committed up to here was folded, because a later one was.
    """

    next_offset: int
    commit: int


class Mark(TypedDict):
    """
    A placed order that was touched and not yet released.

    Attributes:
        since: When it began to wait, in seconds.
        offset: The newest record that touched it; *value* is that record, for a dead letter.
        told: What a dead letter already said that it waits for.
    """

    since: float
    offset: int
    value: str
    told: str


@dataclass(frozen=True, slots=True)
class Desk:
    """Where orders lie while they are gathered, and where marks are kept."""

    orders: Table
    marks: Table


def gather(
    batch: Batch,
    out: Outbox,
    *,
    desk: Desk,
    dead_letters: DeadLetters,
    clock: Callable[[], datetime],
) -> None:
    """Fold one batch; malformed records become dead letters and hold up nobody."""
    cells = desk.orders.view(batch, out)
    marks = desk.marks.view(batch, out)
    progress = progress_of(cells)
    for record in batch:
        try:
            event = parse(record.key, record.value)
            if event is not None and record.key is not None and event.table in COLUMNS:
                fold(cells, record.key, event.narrowed(COLUMNS[event.table]))
                progress["commit"] = max(progress["commit"], _before(event))
                if _is_placed(cells, record.key):
                    mark = _marked(marks.get(record.key), record, clock)
                    marks[record.key] = mark
        except RecordError as error:
            dead_letters.send(out, batch, record, error)
        else:
            dead_letters.good()
    progress["next_offset"] = max(progress["next_offset"], batch[-1].offset + 1)
    cells[PROGRESS] = progress


def progress_of(cells: Cells) -> Progress:
    """Read how far a partition was folded."""
    nothing: Progress = {"next_offset": 0, "commit": -1}
    return cast("Progress", cells.get(PROGRESS) or nothing)


def _before(event: ChangeEvent) -> int:
    """Return the commit before this change: rows of that transaction stand before this record."""
    after_commit = event.position.after_commit
    return -1 if after_commit is None else after_commit


def _is_placed(cells: Cells, key: bytes) -> bool:
    return placed(held_row(cells, key, "order", key.decode()))


def _marked(mark: Any, record: Record, clock: Callable[[], datetime]) -> Mark:
    return {
        "since": mark["since"] if mark else clock().timestamp(),
        "offset": record.offset,
        "value": (record.value or b"").decode(),
        "told": mark["told"] if mark else "",
    }
