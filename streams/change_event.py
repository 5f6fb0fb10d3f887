"""
Debezium's JSON envelope in, a typed change event out.

The envelope is the one of ``schemas.enable=false``: before, after, op, source. What is not a row
change (a tombstone, a logical message, a heartbeat) is None; what should be one and is not raises
MappingError with the field, so that it becomes a dead letter (Invariant 2).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, cast

import orjson

from runtime.errors import MappingError

Operation = Literal["c", "u", "d", "r"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_DOCUMENT = b"null"  # the key of a row whose foreign key is not set yet
MESSAGE = "m"


@dataclass(frozen=True, slots=True)
class Row:
    """One side of a row change; each accessor says which column does not fit, and how."""

    table: str
    values: Mapping[str, Any]

    def text(self, column: str) -> str:
        """Read a text."""
        value = self._present(column)
        if not isinstance(value, str):
            raise self._unfit(column, "a text", value)
        return value

    def text_or_none(self, column: str) -> str | None:
        """Read a text that may be null; an empty one counts as null."""
        value = self._get(column)
        return None if value is None or value == "" else self.text(column)

    def whole(self, column: str) -> int:
        """Read a whole number."""
        value = self._present(column)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._unfit(column, "a whole number", value)
        return value

    def whole_or_none(self, column: str) -> int | None:
        """Read a whole number that may be null."""
        return None if self._get(column) is None else self.whole(column)

    def boolean(self, column: str) -> bool:
        """Read a true or false."""
        value = self._present(column)
        if not isinstance(value, bool):
            raise self._unfit(column, "true or false", value)
        return value

    def boolean_or_none(self, column: str) -> bool | None:
        """Read a true or false that may be null."""
        return None if self._get(column) is None else self.boolean(column)

    def number(self, column: str) -> Decimal:
        """Read a number as it is written, without binary arithmetic (Invariant 8)."""
        value = self._present(column)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise self._unfit(column, "a number", value)
        try:
            number = Decimal(str(value))
        except InvalidOperation as error:
            raise self._unfit(column, "a number", value) from error
        if not number.is_finite():
            raise self._unfit(column, "a finite number", value)
        return number

    def number_or_none(self, column: str) -> Decimal | None:
        """Read a number that may be null."""
        return None if self._get(column) is None else self.number(column)

    def moment(self, column: str) -> datetime:
        """Read a timestamp, which Debezium gives in microseconds; the source keeps UTC."""
        return EPOCH + timedelta(microseconds=self.whole(column))

    def moment_or_none(self, column: str) -> datetime | None:
        """Read a timestamp that may be null."""
        return None if self._get(column) is None else self.moment(column)

    def json(self, column: str) -> Any:
        """Read JSON that the source keeps as text."""
        text = self.text(column)
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise self._unfit(column, "JSON", text) from error

    def _get(self, column: str) -> Any:
        if column not in self.values:
            raise MappingError(
                f"{self.table}.{column}: the row has no such column; was it renamed in the source,"
                " or excluded from the capture?"
            )
        return self.values[column]

    def _present(self, column: str) -> Any:
        value = self._get(column)
        if value is None:
            raise MappingError(f"{self.table}.{column}: is null, and must not be")
        return value

    def _unfit(self, column: str, wanted: str, value: object) -> MappingError:
        return MappingError(f"{self.table}.{column}: expected {wanted}, got {value!r:.200}")


@dataclass(frozen=True, slots=True)
class Position:
    """
    Where in the source's log a row change stands.

    Rows of one transaction have log positions (*lsn*) of the moment they were written, before its
    commit; so a row's own lsn grows with each change of that row (the row lock sees to it), but
    is no order across rows. What orders transactions is *after_commit*: the commit that was the
    last one before this transaction's, and None before the first. A snapshot row stands where
    the snapshot was taken, and knows of everything that was committed by then.
    """

    lsn: int
    after_commit: int | None = None
    snapshot: bool = False

    @property
    def reach(self) -> int:
        """
        A place in commit order: past every earlier transaction's commit, before its own.

        The transaction is complete once a commit beyond it was seen.
        """
        return max(self.lsn, self.after_commit or 0)

    def newer_than(self, held: "Position") -> bool:
        """
        Whether a change here comes after a change of the same row at *held*.

        A transaction that was open while a snapshot was taken writes below the snapshot's
        position and commits above it: there the commit decides, not the lsn.
        """
        if self.snapshot == held.snapshot:
            return self.lsn > held.lsn
        if held.snapshot:
            return self._beyond(held)
        return not held._beyond(self)  # noqa: SLF001 - the same class

    def as_json(self) -> list[int]:
        """Write as whole numbers, for a table."""
        return [self.lsn, -1 if self.after_commit is None else self.after_commit, self.snapshot]

    @classmethod
    def from_json(cls, numbers: list[int]) -> "Position":
        """Read what `as_json` wrote."""
        lsn, after_commit, snapshot = numbers
        return cls(lsn, None if after_commit < 0 else after_commit, bool(snapshot))

    def _beyond(self, snapshot: "Position") -> bool:
        return (
            self.lsn > snapshot.lsn
            or self.after_commit is None
            or (self.after_commit >= snapshot.lsn)
        )


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """One captured row change; *after* is None when the row was deleted or left its document."""

    op: Operation
    system: str
    table: str
    before: Row | None
    after: Row | None
    position: Position
    transaction: str
    commit_time: datetime

    @property
    def identity(self) -> str:
        """The row's primary key."""
        row = self.after or self.before
        if row is None:
            raise MappingError(f"{self.table}: a change of no row: before and after are null")
        return str(row.whole("id"))

    def narrowed(self, columns: Collection[str]) -> "ChangeEvent":
        """The same change, remembering only *columns* of what the table holds after it."""
        if self.after is None:
            return self
        kept = {name: value for name, value in self.after.values.items() if name in columns}
        return replace(self, after=Row(self.table, kept))


def parse(key: bytes | None, value: bytes | None) -> ChangeEvent | None:
    """
    Read one record of a raw topic; None when it changes no row of a document.

    A key of ``null`` means that the row belongs to no document yet; when it comes to belong to
    one, Debezium says so in a second event under that document's key.
    """
    if value is None or key is None or key == NO_DOCUMENT:
        return None
    envelope = _object("the event", _loads(value))
    if envelope.get("op") == MESSAGE:
        return None
    if not key.isdigit():
        raise MappingError(f"the key: expected the id of a document, got {key!r:.80}")
    source = _object("source", envelope.get("source"))
    table = _text(source, "table")
    position = _position(source)
    return ChangeEvent(
        op=_operation(envelope, table),
        system=_text(source, "name").rpartition(".")[2],
        table=table,
        before=_row(table, "before", envelope),
        after=_row(table, "after", envelope),
        position=position,
        transaction="" if position.snapshot else str(source.get("txId") or ""),
        commit_time=EPOCH + timedelta(microseconds=_micros(source)),
    )


def _loads(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise MappingError(f"the change event is not JSON: {error}: {value[:80]!r}") from error


def _operation(envelope: Mapping[str, Any], table: str) -> Operation:
    op = envelope.get("op")
    present = "before" if op == "d" else "after"
    if op not in {"c", "u", "d", "r"}:
        raise MappingError(f"{table}: op: expected c, u, d or r, got {op!r}")
    if envelope.get(present) is None:
        raise MappingError(f"{table}: {present}: is null in an event of op {op!r}")
    return cast("Operation", op)


def _row(table: str, side: str, envelope: Mapping[str, Any]) -> Row | None:
    values = envelope.get(side)
    return None if values is None else Row(table, _object(f"{table}: {side}", values))


def _position(source: Mapping[str, Any]) -> Position:
    sequence = source.get("sequence")
    pair = _loads(sequence.encode()) if isinstance(sequence, str) else [None, None]
    if not isinstance(pair, list) or len(pair) != 2:
        raise MappingError(f"source.sequence: expected two log positions, got {sequence!r}")
    # The rows of an incremental snapshot have no lsn of their own.
    lsn = source.get("lsn") if source.get("lsn") is not None else pair[1]
    snapshot = source.get("snapshot") not in {None, False, "false"}
    try:
        after_commit = None if pair[0] is None or snapshot else int(pair[0])
        return Position(int(cast("int", lsn)), after_commit, snapshot)
    except (TypeError, ValueError) as error:
        raise MappingError(f"source.lsn: expected a log position, got {lsn!r}") from error


def _micros(source: Mapping[str, Any]) -> int:
    micros, millis = source.get("ts_us"), source.get("ts_ms")
    if isinstance(micros, int):
        return micros
    if isinstance(millis, int):
        return millis * 1000
    raise MappingError(f"source.ts_us: expected the time of commit, got {micros!r}")


def _text(source: Mapping[str, Any], name: str) -> str:
    value = source.get(name)
    if not isinstance(value, str) or not value:
        raise MappingError(f"source.{name}: expected a text, got {value!r}")
    return value


def _object(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MappingError(f"{name}: expected an object, got {value!r:.80}")
    return value
