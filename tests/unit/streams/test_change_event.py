"""What Debezium says becomes a change event, or a sentence about what does not fit."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest

from runtime.errors import MappingError
from streams.change_event import ChangeEvent, Position, Row, parse

SOURCE = {
    "name": "cdc.vendure",
    "table": "order",
    "ts_us": 1_795_510_626_762_873,
    "snapshot": "false",
    "sequence": '["293038920","293040296"]',
    "txId": 8317,
    "lsn": 293_040_296,
}


def envelope(source: dict[str, Any] | None = None, **more: Any) -> bytes:
    """Write an envelope that fits, but for what is given."""
    after = {"id": 5, "state": "PaymentSettled"}
    base = {"op": "u", "before": None, "after": after, "source": {**SOURCE, **(source or {})}}
    return orjson.dumps({**base, **more})


def read(value: bytes) -> ChangeEvent:
    """Parse what must be a row change."""
    event = parse(b"5", value)
    assert event is not None
    return event


def test_a_row_change_is_read() -> None:
    """System, table, rows, position, transaction and time of commit are there."""
    event = read(envelope())

    assert (event.op, event.system, event.table, event.identity) == ("u", "vendure", "order", "5")
    assert event.position == Position(293_040_296, after_commit=293_038_920)
    assert event.transaction == "8317"
    assert event.commit_time == datetime(2026, 11, 24, 8, 57, 6, 762873, tzinfo=UTC)


def test_a_snapshot_row_stands_where_the_snapshot_was_taken() -> None:
    """It has no transaction, and no commit before it."""
    event = read(envelope({"snapshot": "first", "sequence": '[null,"100"]', "lsn": 100}, op="r"))

    assert event.position == Position(100, snapshot=True)
    assert event.transaction == ""


def test_a_row_of_an_incremental_snapshot_takes_its_place_from_the_sequence() -> None:
    """Debezium gives it no lsn of its own."""
    source = {"snapshot": "incremental", "sequence": '["90","120"]', "lsn": None}
    event = read(envelope(source, op="r"))

    assert event.position == Position(120, snapshot=True)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"5", None),
        (b"null", envelope()),
        (None, envelope()),
        (b'{"prefix":"syncline-heartbeat"}', b'{"op":"m","source":{}}'),
    ],
)
def test_what_changes_no_document_is_passed_over(key: bytes | None, value: bytes | None) -> None:
    """Tombstones, rows without a document, and logical messages."""
    assert parse(key, value) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "the event: expected an object"),
        (b'{"op":"c"}', "source: expected an object"),
        (envelope({"table": None}), "source.table: expected a text"),
        (envelope({"name": ""}), "source.name"),
        (envelope({"lsn": None, "sequence": None}), "source.lsn"),
        (envelope({"lsn": "x"}), "source.lsn"),
        (envelope({"sequence": "[1]"}), "source.sequence"),
        (envelope({"sequence": '["x","1"]'}), "source.lsn"),
        (envelope({"ts_us": None}), "source.ts_us"),
        (envelope(op="t"), "order: op: expected c, u, d or r, got 't'"),
        (envelope(after=None), "order: after: is null"),
        (envelope(op="d"), "order: before: is null"),
        (envelope(after=[]), "order: after: expected an object"),
    ],
)
def test_a_malformed_event_is_refused_with_the_field(value: bytes, said: str) -> None:
    """The sentence is what a person reads in the dead letter."""
    with pytest.raises(MappingError) as refused:
        parse(b"5", value)

    assert said in str(refused.value)


def test_a_key_that_is_no_id_is_refused() -> None:
    """Rows of one document share its id as their key, or nothing holds together."""
    with pytest.raises(MappingError, match="the key: expected the id of a document"):
        parse(b"\xff", envelope())


def test_the_time_of_commit_may_come_in_milliseconds() -> None:
    """Older connectors give no microseconds."""
    event = read(envelope({"ts_us": None, "ts_ms": 1_795_510_626_762}))

    assert event.commit_time.microsecond == 762_000


def test_a_later_change_of_a_row_is_newer() -> None:
    """A row's lsn grows with each change, and an equal one is the same change."""
    held = Position(200, after_commit=150)

    assert Position(300, after_commit=250).newer_than(held)
    assert not Position(200, after_commit=150).newer_than(held)
    assert not Position(100, after_commit=50).newer_than(held)


def test_a_transaction_open_during_a_snapshot_is_newer_than_its_rows() -> None:
    """It wrote below the snapshot's position and committed above it."""
    snapshot = Position(100, snapshot=True)

    assert Position(90, after_commit=None).newer_than(snapshot)
    assert Position(90, after_commit=100).newer_than(snapshot)
    assert not Position(90, after_commit=80).newer_than(snapshot)
    assert not snapshot.newer_than(Position(90, after_commit=100))


def test_a_snapshot_taken_later_is_newer_than_what_it_has_seen() -> None:
    """And a second snapshot is newer than the first."""
    assert Position(100, snapshot=True).newer_than(Position(90, after_commit=80))
    assert Position(200, snapshot=True).newer_than(Position(100, snapshot=True))


def test_a_position_survives_a_table() -> None:
    """What is written as JSON is read back."""
    for position in (Position(5), Position(5, after_commit=3), Position(5, snapshot=True)):
        assert Position.from_json(position.as_json()) == position


ROW = Row(
    "t",
    {
        "id": 1,
        "text": "x",
        "empty": "",
        "none": None,
        "flag": True,
        "float": 0.1,
        "decimal": "19.9900",
        "at": 1_000_000,
        "json": '{"a":1}',
    },
)


def test_columns_are_read_as_what_they_are() -> None:
    """Numbers keep the digits they were written with."""
    assert ROW.text("text") == "x"
    assert ROW.text_or_none("empty") is ROW.text_or_none("none") is None
    assert ROW.whole("id") == 1
    assert ROW.whole_or_none("none") is None
    assert ROW.boolean("flag")
    assert ROW.boolean_or_none("none") is None
    assert ROW.number("float") == Decimal("0.1")
    assert str(ROW.number("decimal")) == "19.9900"
    assert ROW.number_or_none("none") is None
    assert ROW.moment("at") == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert ROW.moment_or_none("none") is None
    assert ROW.json("json") == {"a": 1}


@pytest.mark.parametrize(
    ("accessor", "column", "said"),
    [
        (Row.text, "id", "t.id: expected a text, got 1"),
        (Row.text, "none", "t.none: is null"),
        (Row.text, "gone", "t.gone: the row has no such column"),
        (Row.whole, "flag", "t.flag: expected a whole number, got True"),
        (Row.whole, "text", "t.text: expected a whole number"),
        (Row.boolean, "id", "t.id: expected true or false"),
        (Row.number, "text", "t.text: expected a number"),
        (Row.number, "flag", "t.flag: expected a number"),
        (Row.json, "text", "t.text: expected JSON"),
    ],
)
def test_a_column_that_does_not_fit_is_named(accessor: Any, column: str, said: str) -> None:
    """Table, column, what was wanted and what was there."""
    with pytest.raises(MappingError) as refused:
        accessor(ROW, column)

    assert said in str(refused.value)


def test_a_number_must_be_finite() -> None:
    """What is no amount of anything is refused."""
    with pytest.raises(MappingError, match="finite"):
        Row("t", {"n": "NaN"}).number("n")
