"""What each thing that happens to a product does to what can be promised of it."""

from collections.abc import Iterable
from decimal import Decimal

import pytest

from streams.stock.facts import Fact
from streams.stock.product import Product
from streams.stock.record import record
from tests.unit.stock.scene import (
    CUSTOMER,
    ELSEWHERE,
    INPUT,
    LOST,
    OUTPUT,
    RESERVE,
    RULES,
    SHELF,
    STORAGE,
    SUPPLIER,
    ZONES,
    Shelves,
    move,
    order,
    sale,
)

Parts = tuple[int, int, int, int]  # available, on hand, committed, waiting


def parts(facts: Iterable[Fact]) -> Parts:
    """Fold *facts*, one batch each, and give what the record says."""
    shelves = Shelves()
    for fact in facts:
        shelves.take([fact])
    return said(shelves.look())


def said(product: Product) -> Parts:
    """Give available, on hand, committed and waiting."""
    stock = record(product.totals, "MUG", "WH", ZONES, RULES)
    numbers = (stock["available"], stock["on_hand"], stock["committed"], stock["web_waiting"])
    assert all(number == int(number) for number in numbers)
    one, two, three, four = map(int, numbers)
    return one, two, three, four


STOCKED: list[Fact] = [move(1, 1, LOST, SHELF, 100)]


def test_a_receipt_counts_when_it_is_put_away() -> None:
    """Goods at the input are not in storage yet."""
    received = [move(8, 2, SUPPLIER, INPUT, 12), move(9, 3, INPUT, STORAGE, 12, "draft")]

    assert parts(received) == (0, 0, 0, 0)
    assert parts([*received, move(9, 4, INPUT, STORAGE, 12)]) == (12, 12, 0, 0)


def test_a_planned_way_out_is_committed_and_then_gone() -> None:
    """Draft, assigned and staging moves out of storage are promised to somebody."""
    for state in ("draft", "assigned", "staging"):
        assert parts([*STOCKED, move(2, 2, STORAGE, OUTPUT, 3, state)]) == (97, 100, 3, 0)

    assert parts([*STOCKED, move(2, 2, STORAGE, OUTPUT, 3, "done")]) == (97, 97, 0, 0)


def test_what_leaves_the_output_was_counted_when_it_left_storage() -> None:
    """The step to the customer changes nothing."""
    facts: list[Fact] = [*STOCKED, move(2, 2, STORAGE, OUTPUT, 3), move(3, 3, OUTPUT, CUSTOMER, 3)]

    assert parts(facts) == (97, 97, 0, 0)


def test_a_move_inside_storage_only_shifts() -> None:
    """Both locations are in the zone; planned, it promises nothing."""
    product = Shelves().take([*STOCKED, move(2, 2, SHELF, RESERVE, 30)])
    stock = record(product.totals, "MUG", "WH", ZONES, RULES)

    assert [(each["code"], each["on_hand"]) for each in stock["locations"]] == [
        ("RESERVE", Decimal(30)),
        ("SHELF", Decimal(70)),
    ]
    assert said(product) == (100, 100, 0, 0)
    assert parts([*STOCKED, move(2, 2, SHELF, RESERVE, 30, "draft")]) == (100, 100, 0, 0)


def test_an_inventory_may_take_more_than_there_is() -> None:
    """Stock below zero is said as it is."""
    assert parts([move(1, 1, SHELF, LOST, 4)]) == (-4, -4, 0, 0)


def test_a_transfer_to_another_warehouse_leaves() -> None:
    """What is planned for there is promised here."""
    assert parts([*STOCKED, move(2, 2, SHELF, ELSEWHERE, 5, "draft")]) == (95, 100, 5, 0)
    assert parts([*STOCKED, move(2, 3, SHELF, ELSEWHERE, 5)]) == (95, 95, 0, 0)


def test_a_return_comes_back_to_storage() -> None:
    """Customer to input, input to storage."""
    facts: list[Fact] = [*STOCKED, move(2, 2, CUSTOMER, INPUT, 1), move(3, 3, INPUT, STORAGE, 1)]

    assert parts(facts) == (101, 101, 0, 0)


@pytest.mark.parametrize("state", ["cancelled", "deleted"])
def test_a_done_move_that_is_taken_back_is_as_if_never_done(state: str) -> None:
    """Its effect is replaced, not compensated."""
    facts: list[Fact] = [
        *STOCKED,
        move(2, 2, STORAGE, OUTPUT, 3),
        move(2, 3, STORAGE, OUTPUT, 3, state),
    ]

    assert parts(facts) == (100, 100, 0, 0)


def test_a_move_whose_quantity_changes_is_counted_as_it_is_now() -> None:
    """The ERP writes a row several times, first with zero."""
    facts: list[Fact] = [
        move(2, 2, SUPPLIER, SHELF, 0, "draft"),
        move(2, 3, SUPPLIER, SHELF, 5, "draft"),
        move(2, 4, SUPPLIER, SHELF, 5),
    ]

    assert parts(facts) == (5, 5, 0, 0)


def test_an_older_state_of_a_move_changes_nothing() -> None:
    """A connector that starts again sends what it has sent before."""
    done = move(2, 9, STORAGE, OUTPUT, 3)

    assert parts([*STOCKED, done, move(2, 5, STORAGE, OUTPUT, 3, "draft"), done]) == (97, 97, 0, 0)


SHIPMENT: list[Fact] = [
    move(12, 30, OUTPUT, CUSTOMER, 2, "draft", "sale.line,1"),
    move(14, 31, STORAGE, OUTPUT, 2, "draft", "stock.move,12"),
]


def test_a_web_order_is_subtracted_exactly_once_at_any_time() -> None:
    """It waits until its move exists; then the move is what is committed, then done."""
    placed: list[Fact] = [*STOCKED, order("W1", 10, 2)]
    in_the_erp: list[Fact] = [*placed, sale("W1", 20, "processing", 1)]
    moved: list[Fact] = [*in_the_erp, *SHIPMENT]

    assert parts(placed) == (98, 100, 0, 2)
    assert parts(in_the_erp) == (98, 100, 0, 2)
    assert parts([*in_the_erp, SHIPMENT[0]]) == (98, 100, 0, 2)
    assert parts(moved) == (98, 100, 2, 0)
    assert parts([*moved, move(14, 40, STORAGE, OUTPUT, 2, "done", "stock.move,12")]) == (
        98,
        98,
        0,
        0,
    )


def test_whichever_comes_first_the_end_is_the_same() -> None:
    """Moves before the sale, the sale before the order, a step before its move."""
    assert parts(
        [*reversed(SHIPMENT), sale("W1", 20, "done", 1), order("W1", 10, 2), *STOCKED]
    ) == (
        98,
        100,
        2,
        0,
    )


def test_an_order_waits_for_what_its_moves_do_not_take() -> None:
    """A move that takes one of two lets go of one."""
    facts: list[Fact] = [*STOCKED, order("W1", 10, 2), sale("W1", 20, "processing", 1, 2)]

    assert parts([*facts, move(14, 31, STORAGE, CUSTOMER, 1, "draft", "sale.line,1")]) == (
        98,
        100,
        1,
        1,
    )


def test_an_order_waits_again_when_its_move_is_made_anew() -> None:
    """Tryton deletes draft moves and makes others; in between the order is what counts."""
    facts: list[Fact] = [*STOCKED, order("W1", 10, 2), sale("W1", 20, "processing", 1), *SHIPMENT]
    gone = move(14, 41, STORAGE, OUTPUT, 2, "deleted", "stock.move,12")
    anew = move(16, 42, STORAGE, OUTPUT, 2, "draft", "stock.move,12")

    assert parts([*facts, gone]) == (98, 100, 0, 2)
    assert parts([*facts, gone, anew]) == (98, 100, 2, 0)


def test_a_cancelled_order_is_let_go_of() -> None:
    """By the shop, which sets its quantity to zero, or by the ERP."""
    facts: list[Fact] = [*STOCKED, order("W1", 10, 2)]

    assert parts([*facts, order("W1", 11, 0)]) == (100, 100, 0, 0)
    assert parts([*facts, sale("W1", 11, "cancelled", 1)]) == (100, 100, 0, 0)


def test_a_done_sale_lets_go_only_when_each_line_had_its_move() -> None:
    """The moves may still be on their way here; a cancelled one is known all the same."""
    facts: list[Fact] = [*STOCKED, order("W1", 10, 2), sale("W1", 50, "done", 1)]
    cancelled = move(14, 31, STORAGE, CUSTOMER, 2, "cancelled", "sale.line,1")

    assert parts(facts) == (98, 100, 0, 2)
    assert parts([*facts, cancelled]) == (100, 100, 0, 0)


def test_web_open_counts_all_that_was_not_cancelled() -> None:
    """Whether the ERP has it or not: the shop holds it until it ships."""
    facts: list[Fact] = [order("W1", 10, 2), order("W2", 11, 3), *SHIPMENT, order("W2", 12, 1)]
    product = Shelves().take(facts)

    assert product.totals.web_open == 3
