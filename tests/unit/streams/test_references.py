"""What an id stands for is said when it changes, and said again when it may have been lost."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from streams.batch import Batch, Outbox, Outgoing, Table
from streams.dead_letter import DeadLetters
from streams.references import REFERENCES, Reference, publish
from tests.unit.streams.shop import Raw, ShopLog

BY_TOPIC = {reference.topic: reference for reference in REFERENCES}
VARIANT = {"id": 30, "sku": "ALL-LONG ", "deletedAt": None, "productId": 3}
CUSTOMER = {
    "id": 3,
    "firstName": "Zoé",
    "lastName": "Dupré",
    "emailAddress": "zoe@ex.org",
    "phoneNumber": "",
    "userId": None,
}
TEMPLATE = {"id": 5, "active": True, "type": "goods"}
PRODUCT = {"id": 7, "template": 5, "code": None, "active": True}


def run(
    reference: Reference, table: Table, events: Sequence[tuple[bytes | None, bytes | None]]
) -> list[Outgoing]:
    """Publish one batch."""
    out = Outbox()
    records = [Raw(key, value, offset) for offset, (key, value) in enumerate(events)]
    publish(
        Batch(reference.source, 0, records),
        out,
        reference=reference,
        table=table,
        dead_letters=DeadLetters("streams.orders"),
    )
    sent = list(out.messages)
    out.commit()
    return sent


def said(messages: Sequence[Outgoing]) -> list[tuple[str, bytes | None, Any]]:
    """Read what was sent, but for the position."""
    read = [(one.topic, one.key, orjson.loads(one.value or b"null")) for one in messages]
    for _, _, value in read:
        assert isinstance(value.pop("position"), int)
    return read


@pytest.fixture
def shop() -> ShopLog:
    """A log to write into; systems differ only in their tables here."""
    return ShopLog()


def test_a_variant_stands_for_its_sku(shop: ShopLog) -> None:
    """Rows of other tables are passed over."""
    with shop.transaction() as tx:
        tx.change("product", 3, None, {"id": 3})
        tx.change("product_variant", 3, None, VARIANT)
    sent = run(BY_TOPIC["ref.vendure.variant"], Table(), shop.events())

    assert said(sent) == [("ref.vendure.variant", b"30", {"sku": "ALL-LONG", "deleted": False})]


def test_a_customer_with_a_user_account_is_registered(shop: ShopLog) -> None:
    """One without is a guest; only what the batch ends with is said."""
    with shop.transaction() as tx:
        tx.change("customer", 3, None, CUSTOMER)
        tx.change("customer", 3, CUSTOMER, {**CUSTOMER, "userId": 8})
    sent = run(BY_TOPIC["ref.vendure.customer"], Table(), shop.events())

    person = {"email": "zoe@ex.org", "name": "Zoé Dupré", "telephone": None, "registered": True}
    assert said(sent) == [("ref.vendure.customer", b"3", person)]


def test_a_product_takes_its_type_from_its_template(shop: ShopLog) -> None:
    """The ERP writes the code in a second step, and an inactive template has no active product."""
    reference, table = BY_TOPIC["ref.tryton.product"], Table()
    with shop.transaction() as tx:
        tx.change("product_product", 5, None, PRODUCT)
    first = said(run(reference, table, shop.events()))
    with shop.transaction() as tx:
        tx.change("product_template", 5, None, TEMPLATE)
        tx.change("product_product", 5, PRODUCT, {**PRODUCT, "code": "HOOD-S"})
    second = said(run(reference, table, shop.commits[1][1]))
    with shop.transaction() as tx:
        tx.change("product_template", 5, TEMPLATE, {**TEMPLATE, "active": False})
    third = said(run(reference, table, shop.commits[2][1]))

    assert [value for _, _, value in (*first, *second, *third)] == [
        {"sku": None, "active": True, "type": None},
        {"sku": "HOOD-S", "active": True, "type": "goods"},
        {"sku": "HOOD-S", "active": False, "type": "goods"},
    ]


def test_a_change_that_changes_no_meaning_is_not_said(shop: ShopLog) -> None:
    """A sink that writes prices touches every variant; nobody needs to hear of it."""
    reference, table = BY_TOPIC["ref.vendure.variant"], Table()
    with shop.transaction() as tx:
        tx.change("product_variant", 3, None, VARIANT)
    run(reference, table, shop.events())
    with shop.transaction() as tx:
        tx.change("product_variant", 3, VARIANT, {**VARIANT, "outOfStockThreshold": 4})

    assert run(reference, table, shop.commits[1][1]) == []


def test_what_comes_again_is_said_again_but_never_undone(shop: ShopLog) -> None:
    """A crash may have lost what was sent; an old change must not bring an old name back."""
    reference, table = BY_TOPIC["ref.vendure.variant"], Table()
    with shop.transaction() as tx:
        tx.change("product_variant", 3, None, VARIANT)
    with shop.transaction() as tx:
        tx.change("product_variant", 3, VARIANT, {**VARIANT, "sku": "NEW"})
    run(reference, table, shop.events())
    again = said(run(reference, table, shop.commits[0][1]))

    assert [value["sku"] for _, _, value in again] == ["NEW"]


def test_a_deleted_row_keeps_what_was_said(shop: ShopLog) -> None:
    """What refers to it is older than its end."""
    reference, table = BY_TOPIC["ref.vendure.variant"], Table()
    with shop.transaction() as tx:
        tx.change("product_variant", 3, None, VARIANT)
        tx.change("product_variant", 3, VARIANT, None)

    assert run(reference, table, shop.events()) == []


def test_a_row_that_does_not_fit_is_buried(shop: ShopLog) -> None:
    """Both a malformed event and a row without its column; the neighbour is said."""
    with shop.transaction() as tx:
        tx.change("product_variant", 3, None, {"id": 31})
        tx.change("product_variant", 4, None, {**VARIANT, "id": 32})
    events = [(b"3", b"{"), *shop.events()]
    sent = run(BY_TOPIC["ref.vendure.variant"], Table(), events)

    assert [one.topic for one in sent] == [
        "dlt.streams.orders",
        "dlt.streams.orders",
        "ref.vendure.variant",
    ]


def test_a_location_says_where_it_stands(shop: ShopLog) -> None:
    """The ERP's location tree is a reference like any other."""
    row = {
        "id": 3,
        "parent": 5,
        "type": "storage",
        "code": "STO",
        "name": "Storage Zone",
        "storage_location": None,
        "active": True,
    }
    with shop.transaction() as tx:
        tx.change("stock_location", 3, None, row)
    ((topic, key, value),) = said(run(BY_TOPIC["ref.tryton.location"], Table(), shop.events()))

    assert (topic, key, value["parent"]) == ("ref.tryton.location", b"3", 5)
