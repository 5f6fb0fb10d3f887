"""What the shop makes of prices, rates and discounts, to the cent."""

import json
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from streams.mappings.vendure.arithmetic import Priced, currency

GOLDEN = Path(__file__).parents[2] / "golden" / "vendure" / "arithmetic.jsonl"


def cases() -> list[list[Any]]:
    """Read what the shop's own classes answered: kind, row, net, gross."""
    return [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", cases(), ids=str)
def test_the_shop_and_we_round_alike(case: list[Any]) -> None:
    """Lines, shipping and surcharges; with and without tax in the price; several taxes."""
    _, price, includes_tax, rates, adjustments, quantity, spread, net, gross = case
    priced = Priced(price, includes_tax, rates, adjustments, quantity, spread)

    assert (priced.net(), priced.gross()) == (net, gross)


def test_an_exact_computation_would_park_a_good_order() -> None:
    """At a half the shop's binary numbers fall to the other side, and the shop is right."""
    priced = Priced(
        529, includes_tax=True, tax_rates=[20], adjustments=[-100], quantity=7, spread_over=7
    )
    exact = (529 - Fraction(100, 7)) / Fraction(6, 5) * 7

    assert exact == Fraction(6005, 2)
    assert priced.net() == 3002
    assert math.floor(exact + Fraction(1, 2)) == 3003


def test_unit_prices_are_decimals_with_six_digits() -> None:
    """For information: the totals are what counts."""
    priced = Priced(1999, includes_tax=True, tax_rates=[5.5], quantity=3, spread_over=3)

    assert priced.unit_prices() == (Decimal("18.947867"), Decimal("19.990000"))
    assert Priced(1000, includes_tax=False, tax_rates=[20]).unit_prices() == (
        Decimal("10.000000"),
        Decimal("12.000000"),
    )
    assert Priced(1000, includes_tax=False, quantity=0).unit_prices()[0] == 10


def test_a_discount_shrinks_with_the_line() -> None:
    """Of a discount on seven, three sevenths are left on three."""
    priced = Priced(1000, includes_tax=True, adjustments=[-700], quantity=3, spread_over=7)

    assert priced.allowance(-700) == Decimal("3.00")
    assert Priced(1000, includes_tax=True, quantity=0, spread_over=0).allowance(-700) == 0


def test_cents_are_money_with_two_digits() -> None:
    """Also below zero."""
    assert str(currency(5)) == "0.05"
    assert str(currency(-1250)) == "-12.50"
