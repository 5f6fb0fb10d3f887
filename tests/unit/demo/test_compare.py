"""The second opinion notices what a person would."""

from dataclasses import replace
from decimal import Decimal

from ops.demo.compare import ErpSale, ShopOrder, compare_orders, compare_stock

TOTAL, TAX, GOODS = Decimal("25.98"), Decimal("3.10"), {"MUG": Decimal(2)}
ORDER = ShopOrder("A1", "Zoe@example.com", TOTAL, TAX, GOODS, TOTAL)
SALE = ErpSale("A1", "processing", "zoe@example.com", TOTAL, TAX, GOODS, TOTAL)


def test_the_same_order_on_both_sides_is_clean() -> None:
    """Equal to the cent, once, confirmed."""
    assert compare_orders([ORDER], [SALE]).clean


def test_a_missing_sale_is_lost() -> None:
    """An order that the ERP does not know."""
    assert compare_orders([ORDER], []).lost == ("A1",)


def test_a_second_sale_is_a_double() -> None:
    """An order that the ERP knows twice."""
    assert compare_orders([ORDER], [SALE, SALE]).doubled == ("A1",)


def test_a_cent_is_a_difference() -> None:
    """And the sentence names both sides."""
    found = compare_orders([ORDER], [replace(SALE, total=Decimal("25.99"))])

    assert found.different == ("A1: total: the shop says 25.98, the ERP says 25.99",)


def test_an_unconfirmed_sale_is_a_difference() -> None:
    """The order must go through by itself."""
    assert not compare_orders([ORDER], [replace(SALE, state="quotation")]).clean


def test_stock_is_compared_sku_by_sku() -> None:
    """Too much, too little and not there at all are all reported."""
    found = compare_stock(
        {"A": Decimal(3), "B": Decimal(1), "C": Decimal(0)}, {"A": Decimal(3), "B": Decimal(2)}
    )

    assert found.lost == ("C",)
    assert found.different == ("B: the ERP can promise 1, the shop offers 2",)
