"""What an order says, and the sentences when it cannot be said."""

from collections.abc import Callable
from typing import Any

import pytest

from runtime.errors import MappingError
from schemas.records import Order
from streams.change_event import parse
from streams.document import fold, load
from streams.mappings.vendure.order import NotPlaced, Verdict, Waiting, order
from tests.unit.streams.bench import FakeReferences
from tests.unit.streams.shop import ADDRESS, ShopLog, Shopper

Change = Callable[[Shopper], None]


def verdict(
    before: Change = lambda _: None,
    after: dict[str, dict[str, Any]] | None = None,
    references: FakeReferences | None = None,
) -> Verdict:
    """Judge a placed order; *before* changes it in the cart, *after* its rows once placed."""
    shop = ShopLog()
    buyer = Shopper(shop, 5, "AAA")
    buyer.start()
    buyer.add(51, variant=1, quantity=3, price=1999)
    buyer.ship(7, price=490)
    before(buyer)
    buyer.place(payment=1)
    rows = {
        "order": buyer.root,
        "order_line": buyer.lines[51],
        "shipping_line": buyer.shipping[7],
        "payment": buyer.payment,
    }
    with shop.transaction() as tx:
        for table, more in (after or {}).items():
            tx.change(table, 5, rows[table], {**rows[table], **more})
    cells: dict[bytes, Any] = {}
    for key, value in shop.events():
        event = parse(key, value)
        if event is not None:
            fold(cells, key, event)
    document = load(cells, b"5")
    assert document is not None
    return order(document, references or FakeReferences())


def record(*arguments: Any, **more: Any) -> Order:
    """Judge an order that must leave."""
    judged = verdict(*arguments, **more)
    assert isinstance(judged, dict)
    return judged


@pytest.mark.parametrize(
    "row",
    [
        {"active": True},
        {"orderPlacedAt": None},
        {"type": "Seller"},
    ],
)
def test_what_is_not_placed_or_part_of_another_order_never_leaves(row: dict[str, Any]) -> None:
    """A cart, an order without a date, and a seller's part of an aggregate order."""
    assert isinstance(verdict(after={"order": row}), NotPlaced)


def test_a_document_without_its_order_never_leaves() -> None:
    """A line may arrive before its order."""
    shop = ShopLog()
    with shop.transaction() as tx:
        tx.change("order_line", 5, None, {"id": 1})
    cells: dict[bytes, Any] = {}
    for key, value in shop.events():
        event = parse(key, value)
        assert event is not None
        fold(cells, key, event)
    document = load(cells, b"5")
    assert document is not None

    assert isinstance(order(document, FakeReferences()), NotPlaced)


def test_it_names_everything_it_waits_for() -> None:
    """One sentence, all that is missing."""
    judged = verdict(references=FakeReferences(variants={}, customers=set()))

    assert judged == Waiting(
        "order AAA waits for customer 1, which the stream has not seen"
        " and variant 1, whose SKU the stream has not seen"
    )


def test_a_cancelled_line_needs_no_reference() -> None:
    """It is not in the record, so nobody asks for its SKU."""
    judged = record(
        lambda buyer: buyer.add(52, variant=399, quantity=1, price=0),
        references=FakeReferences(variants={1: "SKU-1", 399: "X"}),
    )
    assert [line["sku"] for line in judged["lines"]] == ["SKU-1", "X"]

    gone = record(
        lambda buyer: (
            buyer.add(52, variant=399, quantity=1, price=500),
            buyer.change(52, quantity=0),
        ),
        references=FakeReferences(variants={1: "SKU-1"}),
    )

    assert [line["sku"] for line in gone["lines"]] == ["SKU-1"]


def test_the_billing_address_is_the_delivery_address_unless_given() -> None:
    """And the other way round: an order may have only the one to bill to."""
    same = record()
    bill = '{"fullName":"B","company":"C","countryCode":"be","province":"Hainaut"}'
    given = record(after={"order": {"billingAddress": bill}})
    only = record(after={"order": {"billingAddress": ADDRESS, "shippingAddress": "{}"}})

    assert same["billing_address"] == same["delivery_address"] == only["delivery_address"]
    assert given["billing_address"] == {
        "name": "B",
        "company": "C",
        "street_name": "",
        "additional_street_name": None,
        "city_name": "",
        "postal_zone": "",
        "country_subentity": "Hainaut",
        "country_code": "BE",
        "telephone": None,
    }


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"order": {"shippingAddress": "{}"}}, "order AAA: shippingAddress.countryCode"),
        ({"order": {"shippingAddress": "[]"}}, "order.shippingAddress: expected an object"),
        ({"order": {"customerId": None}}, "order.customerId: is null"),
        ({"order": {"shipping": 1}}, "4.08 (shipping_line 7) = 4.08 without tax"),
        ({"order": {"subTotalWithTax": 0}}, "the shop says subTotalWithTax = 0.00"),
        ({"order_line": {"taxLines": "{}"}}, "order AAA: 59.97 (order_line 51)"),
        ({"order_line": {"taxLines": "[1]"}}, "order_line.taxLines: expected a list of objects"),
        ({"order_line": {"taxLines": '[{"taxRate":"x"}]'}}, "taxRate: expected numbers"),
        ({"order_line": {"adjustments": "oops"}}, "order_line.adjustments: expected JSON"),
        ({"payment": {"state": "Lost"}}, "payment.state: 'Lost' is not one of"),
    ],
)
def test_what_cannot_be_an_order_is_refused_with_a_sentence(
    after: dict[str, dict[str, Any]], said: str
) -> None:
    """Field, what is there, and how to mend it."""
    with pytest.raises(MappingError) as refused:
        verdict(after=after)

    assert said in str(refused.value)


def test_an_order_without_lines_shows_an_empty_sum() -> None:
    """The arithmetic is readable even when there is nothing to add."""
    shop = ShopLog()
    buyer = Shopper(shop, 5, "AAA")
    buyer.start()
    buyer.ship(7, price=0)
    buyer.place(payment=1, lie=5)
    cells: dict[bytes, Any] = {}
    for key, value in shop.events():
        event = parse(key, value)
        if event is not None:
            fold(cells, key, event)
    document = load(cells, b"5")
    assert document is not None

    with pytest.raises(MappingError, match=r"no lines = 0\.00 with tax"):
        order(document, FakeReferences())
