"""A table seen through a view: what is read, in which order it leaves, what survives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.batch import RAW, Batch, Outbox, Outgoing, Table
from streams.batch.keys import SortedKeys
from tests.unit.batch.records import FakeRecord

BATCH = Batch("in", 2, ())
KEYS = st.binary(min_size=0, max_size=3)


def changes(out: Outbox) -> list[tuple[bytes | None, bytes | None]]:
    """Commit, and give what goes to the changelog."""
    return [(record.key, record.value) for record in out.commit() if record not in out.messages]


def test_changes_leave_in_first_set_order() -> None:
    """A key that is set twice keeps its first place and takes its last value."""
    table, out = Table(), Outbox()
    view = table.view(BATCH, out)
    view[b"b"] = 1
    view[b"a"] = 2
    view[b"b"] = 3

    assert changes(out) == [(b"b", b"3"), (b"a", b"2")]


def test_nothing_changes_before_the_commit() -> None:
    """An agent that raises leaves the table as it was."""
    table, out = Table(), Outbox()
    table.view(BATCH, out)[b"a"] = 1

    assert table.view(BATCH, Outbox()).get(b"a") is None
    assert table.view(BATCH, out)[b"a"] == 1


def test_changes_go_to_the_partition_of_the_batch() -> None:
    """A key's state lies where its records are."""
    table, out = Table(changelog="app-t-changelog"), Outbox()
    table.view(BATCH, out)[b"a"] = 1

    assert out.commit() == [Outgoing("app-t-changelog", b"a", b"1", partition=2)]
    assert b"a" not in table.view(3, Outbox())


def test_what_is_sent_leaves_before_what_is_set() -> None:
    """Outputs come first, in the order of the calls."""
    table, out = Table(changelog="log"), Outbox()
    table.view(BATCH, out)[b"a"] = 1
    out.send("x", key=b"1")
    out.send("y", key=b"2")

    assert [record.topic for record in out.commit()] == ["x", "y", "log"]


def test_a_delete_leaves_a_tombstone() -> None:
    """A recovered table must not bring the key back."""
    table, out = Table(), Outbox()
    table.recover(2, [FakeRecord(b"a", b"1")])
    view = table.view(BATCH, out)
    del view[b"a"]

    assert b"a" not in view
    assert changes(out) == [(b"a", None)]


def test_deleting_an_absent_key_writes_nothing() -> None:
    """There is nothing to bury."""
    table, out = Table(), Outbox()
    table.view(BATCH, out).delete(b"a")

    assert changes(out) == []


def test_setting_what_is_already_so_writes_nothing() -> None:
    """A replay costs no changelog."""
    table, out = Table(), Outbox()
    table.recover(2, [FakeRecord(b"a", b"1")])
    table.view(BATCH, out)[b"a"] = 1

    assert changes(out) == []


def test_a_value_that_is_read_is_a_copy() -> None:
    """Changing it counts only when it is set again."""
    table, out = Table(), Outbox()
    table.recover(2, [FakeRecord(b"a", b'{"n": 1}')])
    view = table.view(BATCH, out)
    view[b"a"]["n"] = 2

    assert view[b"a"] == {"n": 1}


def test_a_missing_key_is_named() -> None:
    """As in a dict."""
    with pytest.raises(KeyError, match="a"):
        Table().view(BATCH, Outbox())[b"a"]


def test_raw_values_stay_bytes() -> None:
    """No JSON where none is wanted."""
    table, out = Table(codec=RAW), Outbox()
    table.view(BATCH, out)[b"a"] = b"\xff"

    assert changes(out) == [(b"a", b"\xff")]


def test_a_scan_sees_pending_changes() -> None:
    """New keys are there, deleted ones are not, all in order."""
    table, out = Table(), Outbox()
    table.recover(2, [FakeRecord(b"held/2", b"2"), FakeRecord(b"held/1", b"1")])
    table.recover(2, [FakeRecord(b"other", b"0")])
    view = table.view(BATCH, out)
    view[b"held/0"] = 0
    view.delete(b"held/1")

    assert list(view.items(b"held/")) == [(b"held/0", 0), (b"held/2", 2)]


def test_one_batch_has_one_view_of_a_table() -> None:
    """Two helpers that open the table see each other's changes."""
    table, out = Table(), Outbox()
    table.view(BATCH, out)[b"a"] = 1

    assert table.view(BATCH, out)[b"a"] == 1


def test_a_dropped_partition_is_empty() -> None:
    """What is somebody else's now must be recovered before it is read."""
    table = Table()
    table.recover(2, [FakeRecord(b"a", b"1")])
    table.drop(2)

    assert b"a" not in table.view(BATCH, Outbox())


OPERATIONS = st.lists(st.tuples(KEYS, st.none() | st.integers(0, 3)), max_size=30)


@given(st.lists(OPERATIONS, max_size=8))
def test_recovery_from_any_prefix_is_a_state_that_was(
    batches: list[list[tuple[bytes, int | None]]],
) -> None:
    """The changelog of whole batches gives the table again, and a scan shows all of it."""
    table, model, log = Table(), dict[bytes, int](), list[Outgoing]()
    for batch in batches:
        out = Outbox()
        view = table.view(BATCH, out)
        for key, value in batch:
            if value is None:
                view.delete(key)
                model.pop(key, None)
            else:
                view[key] = value
                model[key] = value
        log += out.commit()
    again = Table()
    again.recover(2, [FakeRecord(record.key, record.value) for record in log])

    for found in (table, again):
        assert dict(found.view(BATCH, Outbox()).items()) == model


@given(st.lists(st.tuples(st.booleans(), KEYS), max_size=300), KEYS)
def test_sorted_keys_are_a_sorted_set(steps: list[tuple[bool, bytes]], prefix: bytes) -> None:
    """Whatever was added, removed and scanned before."""
    keys, model = SortedKeys(), set[bytes]()
    for add, key in steps:
        if add and key not in model:
            keys.add(key)
            model.add(key)
        elif not add and key in model:
            keys.discard(key)
            model.discard(key)
        else:
            assert keys.scan(key) == sorted(k for k in model if k.startswith(key))

    assert keys.scan(prefix) == sorted(key for key in model if key.startswith(prefix))
