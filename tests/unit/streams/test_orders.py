"""Orders leave whole, once, and only when placed."""

from decimal import Decimal

import pytest

from runtime.errors import FatalError, UnavailableError
from tests.unit.streams.bench import Bench, content
from tests.unit.streams.shop import ShopLog, Shopper


@pytest.fixture
def bench() -> Bench:
    """One partition, empty."""
    return Bench()


@pytest.fixture
def shop() -> ShopLog:
    """A shop that nobody has visited yet."""
    return ShopLog()


def cart(shop: ShopLog, identity: int = 5, code: str = "AAA") -> Shopper:
    """Fill a cart with two lines, and choose shipping."""
    buyer = Shopper(shop, identity, code)
    buyer.start()
    buyer.add(identity * 10 + 1, variant=1, quantity=3, price=1999)
    buyer.add(identity * 10 + 2, variant=2, quantity=2, price=3333)
    buyer.ship(identity, price=490)
    return buyer


def test_a_cart_never_leaves(bench: Bench, shop: ShopLog) -> None:
    """What is not placed is nobody's business but its buyer's."""
    cart(shop)
    bench.write(shop)
    bench.run()

    assert bench.published == []
    assert bench.dead == []


def test_a_placed_order_leaves_once_and_adds_up(bench: Bench, shop: ShopLog) -> None:
    """The record has every line, the charges, the payment and the shop's own sums."""
    cart(shop).place(payment=1)
    bench.write(shop)
    bench.run(count=3)

    (order,) = bench.published
    assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [
        ("SKU-1", Decimal(3)),
        ("SKU-2", Decimal(2)),
    ]
    assert order["tax_inclusive_amount"] == Decimal("131.53")
    assert order["tax_exclusive_amount"] == Decimal("109.61")
    assert order["payments"][0]["amount"] == Decimal("131.53")
    assert order["delivery_address"] == order["billing_address"]
    assert order["source"]["position"] < shop.commits[-1][0]


def test_an_order_waits_for_the_end_of_its_transaction(bench: Bench, shop: ShopLog) -> None:
    """Placed and adding up is not enough while rows of the same transaction may follow."""
    cart(shop).place(payment=1)
    bench.write(shop)
    bench.ends.pop()
    bench.run()
    assert bench.published == []

    bench.ends.append((shop.commits[-1][0], len(bench.log)))
    bench.sweep()

    assert len(bench.published) == 1


def test_an_end_seen_early_does_not_release_what_was_not_read(bench: Bench, shop: ShopLog) -> None:
    """A worker that is far behind knows of the END long before it has read the rows."""
    cart(shop).place(payment=1)
    bench.write(shop)
    while bench.committed < len(bench.log) - 1:
        bench.read(1)
        bench.sweep()
        assert bench.published == []

    bench.read(1)
    bench.sweep()

    assert len(bench.published) == 1


def test_a_later_transaction_of_the_partition_is_as_good_as_an_end(
    bench: Bench, shop: ShopLog
) -> None:
    """Debezium sends in commit order: behind a later transaction nothing of this one follows."""
    cart(shop).place(payment=1)
    cart(shop, identity=6, code="BBB")
    bench.write(shop)
    bench.ends.clear()
    bench.run()

    assert [order["id"] for order in bench.published] == ["AAA"]


def test_a_change_leaves_again_and_a_change_of_nothing_does_not(
    bench: Bench, shop: ShopLog
) -> None:
    """Settling the payment changes the order; writing the same row again does not."""
    buyer = cart(shop)
    buyer.place(payment=1)
    buyer.settle()
    buyer.settle()
    for position, events in shop.commits:
        for event in events:
            bench.append(*event)
        bench.ends.append((position, len(bench.log)))
        bench.run()

    states = [order["payments"][0]["state"] for order in bench.published]
    assert states == ["authorized", "settled"]


def test_a_cancelled_order_says_so(bench: Bench, shop: ShopLog) -> None:
    """A cancelled order leaves without lines, and with its shipping as the shop has it."""
    buyer = cart(shop)
    buyer.place(payment=1)
    buyer.cancel()
    bench.write(shop)
    bench.run()

    assert bench.published[-1]["status"] == "cancelled"
    assert bench.published[-1]["lines"] == []


def test_a_line_that_costs_nothing_is_not_lost(bench: Bench, shop: ShopLog) -> None:
    """The sums do not miss a gift; the gate must."""
    buyer = cart(shop)
    buyer.add(59, variant=9, quantity=1, price=0)
    buyer.place(payment=1)
    bench.write(shop)
    bench.run(count=1)

    (order,) = bench.published
    assert order["lines"][-1]["sku"] == "SKU-9"
    assert order["lines"][-1]["tax_inclusive_amount"] == 0


def test_a_removed_line_is_gone_and_a_surcharge_is_charged(bench: Bench, shop: ShopLog) -> None:
    """What moved out of the order does not come along, and what was added does."""
    buyer = cart(shop)
    buyer.remove(52)
    buyer.surcharge(7, price=250)
    buyer.place(payment=1)
    bench.write(shop)
    bench.run()

    (order,) = bench.published
    assert [line["sku"] for line in order["lines"]] == ["SKU-1"]
    assert [charge["kind"] for charge in order["charges"]] == ["shipping", "surcharge"]
    assert order["tax_inclusive_amount"] == Decimal("67.37")


@pytest.mark.parametrize("count", [1, 7, 100, None])
def test_three_hundred_lines_leave_whole(bench: Bench, shop: ShopLog, count: int | None) -> None:
    """However the rows fall into batches, there is one record with every line."""
    buyer = Shopper(shop, 5, "BIG")
    buyer.start()
    buyer.add_all([(1000 + n, n + 1, 1 + n % 3, 100 + n) for n in range(300)])
    buyer.ship(5, price=490)
    buyer.place(payment=1)
    bench.write(shop)
    bench.run(count)

    (order,) = bench.published
    assert len(order["lines"]) == 300


def test_an_unknown_variant_is_waited_for(bench: Bench, shop: ShopLog) -> None:
    """The order is held, said to be held after a while, and leaves when the variant arrives."""
    del bench.references.variants[2]
    cart(shop).place(payment=1)
    cart(shop, identity=6, code="BBB").place(payment=2)
    bench.references.variants[2] = "SKU-2"
    del bench.references.variants[1]
    bench.write(shop)
    bench.run()
    assert bench.published == []
    assert bench.dead == []

    bench.later(61)
    bench.sweep()
    bench.sweep()
    assert len(bench.dead) == 2
    assert "AAA waits for variant 1, whose SKU the stream has not seen" in bench.reasons()[0]

    bench.references.variants[1] = "SKU-1"
    bench.references.version += 1
    bench.sweep()

    assert [order["id"] for order in bench.published] == ["AAA", "BBB"]
    assert len(bench.dead) == 2


def test_many_that_wait_do_not_stop_the_worker(bench: Bench, shop: ShopLog) -> None:
    """A missing variant that everybody buys is no fault of the code; held is not given up."""
    bench.references.variants.clear()
    for identity in range(1, 61):
        cart(shop, identity, f"ORDER-{identity}").place(payment=identity)
    bench.write(shop)
    bench.run()
    bench.later(61)
    bench.sweep()
    bench.sweep()

    assert len(bench.dead) == 60


def test_an_unknown_customer_is_waited_for(bench: Bench, shop: ShopLog) -> None:
    """Nobody's order does not leave."""
    bench.references.customers.clear()
    cart(shop).place(payment=1)
    bench.write(shop)
    bench.run()
    assert bench.published == []

    bench.references.customers.add(1)
    bench.references.version += 1
    bench.sweep()

    assert len(bench.published) == 1


def test_an_end_that_never_comes_is_said_once(bench: Bench, shop: ShopLog) -> None:
    """A connector that stopped in the middle is something a person must hear of."""
    cart(shop).place(payment=1)
    bench.write(shop)
    bench.ends.clear()
    bench.run()
    bench.later(61)
    bench.sweep()
    bench.sweep()

    (reason,) = bench.reasons()
    assert "the end of its transaction" in reason


def test_sums_that_do_not_agree_are_shown_and_hold_up_nobody(bench: Bench, shop: ShopLog) -> None:
    """The dead letter has the arithmetic; the neighbour leaves; the mended order leaves, too."""
    liar = cart(shop)
    liar.place(payment=1, lie=1)
    cart(shop, identity=6, code="BBB").place(payment=2)
    bench.write(shop)
    bench.run()

    (reason,) = bench.reasons()
    assert "59.97 (order_line 51) + 66.66 (order_line 52) = 126.63 with tax" in reason
    assert "subTotalWithTax = 126.64" in reason
    assert [order["id"] for order in bench.published] == ["BBB"]

    already = len(shop.commits)
    liar.settle()
    for position, events in shop.commits[already:]:
        for event in events:
            bench.append(*event)
        bench.ends.append((position, len(bench.log)))
    bench.run()

    assert [order["id"] for order in bench.published] == ["BBB", "AAA"]


def test_a_malformed_event_becomes_a_dead_letter_and_holds_up_nobody(
    bench: Bench, shop: ShopLog
) -> None:
    """The record travels as it is, under its key, with the field that does not fit."""
    bench.append(b"5", b"{not json")
    bench.append(b"5", b'{"op":"c","source":{"name":"cdc.vendure"},"after":{}}')
    cart(shop).place(payment=1)
    bench.write(shop)
    bench.run()

    assert bench.dead[0].value == b"{not json"
    assert "not JSON" in bench.reasons()[0]
    assert "source.table" in bench.reasons()[1]
    assert len(bench.published) == 1


def test_too_many_malformed_events_stop_the_worker(bench: Bench) -> None:
    """A wrong deploy must not pour the topic into the dead letters."""
    for _ in range(60):
        bench.append(b"5", b"{")

    with pytest.raises(FatalError, match="became dead letters"):
        bench.read()


def test_a_registry_that_is_down_stops_the_worker_and_loses_nothing(
    bench: Bench, shop: ShopLog
) -> None:
    """The mark is still there when the worker comes back."""
    cart(shop).place(payment=1)
    bench.write(shop)
    bench.read()
    bench.codec.error = UnavailableError("the schema registry does not answer")
    with pytest.raises(UnavailableError):
        bench.sweep()

    bench.codec.error = None
    bench.revive()
    bench.sweep()

    assert len(bench.published) == 1


def test_rows_without_a_document_and_messages_are_passed_over(bench: Bench, shop: ShopLog) -> None:
    """Tombstones, heartbeats, rows under ``null`` and other tables are no orders."""
    bench.append(b"5", None)
    bench.append(b"null", b"whatever")
    bench.append(b'{"prefix":"syncline-heartbeat"}', b'{"op":"m","message":{}}')
    cart(shop).place(payment=1)
    bench.write(shop)
    bench.run()

    assert bench.dead == []
    assert len(bench.published) == 1


def test_reading_everything_again_says_nothing_new(bench: Bench, shop: ShopLog) -> None:
    """A replay of the whole topic, in new places, changes no record."""
    buyer = cart(shop)
    buyer.place(payment=1)
    buyer.settle()
    bench.write(shop)
    bench.run()
    before = [content(order) for order in bench.published]
    bench.write(shop)
    bench.run(count=5)

    assert [content(order) for order in bench.published] == before
