"""Rows gather under their document's key, each as its newest change left it."""

from typing import Any

from streams.change_event import parse
from streams.document import fold, held_row, load, position
from tests.unit.streams.shop import ShopLog


def folded(shop: ShopLog) -> dict[bytes, Any]:
    """Fold everything that happened."""
    cells: dict[bytes, Any] = {}
    for key, value in shop.events():
        event = parse(key, value)
        if event is not None:
            fold(cells, key, event)
    return cells


def test_rows_gather_by_table_in_the_order_of_their_ids() -> None:
    """The order of arrival does not matter, and ten comes after nine."""
    shop = ShopLog()
    with shop.transaction() as tx:
        for identity in (10, 9, 1):
            tx.change("sale_line", 4, None, {"id": identity})
        tx.change("sale_sale", 4, None, {"id": 4})
    document = load(folded(shop), b"4")

    assert document is not None
    assert [row.whole("id") for row in document.rows["sale_line"]] == [1, 9, 10]
    assert document.only("sale_sale") is not None
    assert document.only("nothing") is None
    assert document.table == "sale_sale"
    assert document.position < shop.commits[-1][0]


def test_nothing_is_known_of_a_document_nobody_mentioned() -> None:
    """It has no rows and no position."""
    assert load({}, b"4") is None
    assert position({}, b"4") == -1


def test_a_deleted_row_does_not_come_back() -> None:
    """Its last change comes again after a restart, and is no news."""
    shop = ShopLog()
    with shop.transaction() as tx:
        tx.change("sale_line", 4, None, {"id": 1})
    with shop.transaction() as tx:
        tx.change("sale_line", 4, {"id": 1}, None)
    cells = folded(shop)
    key, value = shop.events()[0]
    event = parse(key, value)
    assert event is not None

    assert fold(cells, key, event) is False
    assert held_row(cells, b"4", "sale_line", "1") is None
    document = load(cells, b"4")
    assert document is not None
    assert document.rows["sale_line"] == ()


def test_a_row_that_moves_leaves_one_document_and_joins_the_other() -> None:
    """Debezium says it as a delete and a create at one place in the log."""
    shop = ShopLog()
    with shop.transaction() as tx:
        tx.change("sale_line", 4, None, {"id": 1, "sale": 4})
        tx.move("sale_line", 4, 5, {"id": 1, "sale": 4}, {"id": 1, "sale": 5})
    cells = folded(shop)

    assert held_row(cells, b"4", "sale_line", "1") is None
    assert held_row(cells, b"5", "sale_line", "1") is not None


def test_a_document_is_never_older_than_one_of_its_rows() -> None:
    """What a crash keeps is a prefix of what was set: the index comes first."""
    shop = ShopLog()
    with shop.transaction() as tx:
        tx.change("sale_line", 4, None, {"id": 1})

    assert list(folded(shop)) == [b"4", b"4/sale_line/1"]
