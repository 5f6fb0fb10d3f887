"""An order that does not add up is refused before anything is written, with the arithmetic."""

from decimal import Decimal

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.errors import RecordError, UnavailableError
from runtime.settings import Orders
from sinks.tryton.client import TrytonClient
from sinks.tryton.directory import Directory
from sinks.tryton.order import OrderSink
from tests.contract.fake_tryton import FakeTryton
from tests.contract.orders import charge, shop_order


def sink(erp: FakeTryton) -> OrderSink:
    """The order sink on a small ERP."""
    client = TrytonClient(
        "http://erp",
        "erp",
        "key",
        "syncline",
        "secret",
        calls_per_second=10_000,
        transport=httpx.MockTransport(erp),
    )
    return OrderSink(client, Directory(client, Orders()))


async def test_sums_that_disagree_are_refused_with_the_arithmetic() -> None:
    """Both sides of the equation stand in the sentence (Invariant 8)."""
    erp = FakeTryton()
    order = shop_order("T1", [("ALL-LONG", "12.00", 1, "20")], charges=[])
    order["tax_inclusive_amount"] += Decimal("0.01")
    with pytest.raises(RecordError, match=r"order T1: its lines come to 10.00 \+ 2.00 .* 12.01"):
        await sink(erp).upsert("T1", order)

    assert erp.records["sale.sale"] == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("ALL-LONG", "LIV-PETITP-REL", "VER-VIN")),
            st.integers(0, 30_000).map(lambda cents: f"{Decimal(cents) / 100}"),
            st.integers(1, 12),
            st.sampled_from(("20", "5.5")),
        ),
        min_size=1,
        max_size=12,
    ),
    st.integers(-2_000, 2_000),
)
async def test_any_basket_arrives_at_the_same_three_sums(
    lines: list[tuple[str, str, int, str]], surcharge: int
) -> None:
    """Through the whole sink: untaxed, tax and total are the shop's."""
    erp = FakeTryton()
    extra = [charge("shipping", "4.90"), charge("surcharge", f"{Decimal(surcharge) / 100}")]
    order = shop_order("T1", lines, charges=extra)
    if order["tax_inclusive_amount"] <= 0:
        return
    await sink(erp).upsert("T1", order)
    (sale,) = erp.records["sale.sale"]

    assert sale["state"] == "processing"
    assert sale["untaxed_amount"] == order["tax_exclusive_amount"]
    assert sale["tax_amount"] == order["tax_amount"]
    assert sale["total_amount"] == order["tax_inclusive_amount"]


async def test_a_sale_that_the_erp_is_still_processing_is_waited_for() -> None:
    """Its answer to the first try was lost: the order is neither done nor refused yet."""
    erp = FakeTryton()
    order = shop_order("T1")
    await sink(erp).upsert("T1", order)
    erp.records["sale.sale"][0]["state"] = "confirmed"  # as others see it until it is done
    with pytest.raises(UnavailableError, match="press Process there"):
        await sink(erp).upsert("T1", order)

    erp.records["sale.sale"][0]["state"] = "processing"
    assert (await sink(erp).upsert("T1", order)).outcome == "unchanged"
