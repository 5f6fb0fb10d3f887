"""
Rows of prices in, the cents that the shop makes of them out.

The shop computes in binary floating point and rounds to whole cents (``Math.round``: halves go
up). At a half, a recomputation in decimals can differ by a cent, and the order would be parked
for a difference that is not there. So each rounding is redone here in the shop's own order of
operations: whole cents in, whole cents out, and no binary number leaves this module (Invariant 8).

Source: @vendure/core 3.7, entity/order-line, entity/shipping-line, entity/surcharge,
common/tax-utils, config/entity/default-money-strategy.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

CENT = Decimal("0.01")
MICRO = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Priced:
    """
    What something costs, as the shop keeps it.

    Attributes:
        list_price: Cents, before discounts, of one unit.
        includes_tax: Whether *list_price* and *adjustments* include tax.
        tax_rates: Percent, of each tax.
        adjustments: Cents, of each discount on the whole line (negative).
        quantity: Units that are still ordered.
        spread_over: Units over which the discounts were spread when the order was placed.
    """

    list_price: int
    includes_tax: bool
    tax_rates: Sequence[float] = ()
    adjustments: Sequence[float] = ()
    quantity: int = 1
    spread_over: int = 1

    @property
    def tax_rate(self) -> float:
        """Percent, of all taxes together."""
        return sum(self.tax_rates, 0.0)

    @property
    def tax_percent(self) -> Decimal:
        """The same, as a decimal."""
        return sum((Decimal(repr(rate)) for rate in self.tax_rates), Decimal(0))

    def net(self) -> int:
        """Cents of the line without tax, discounts taken off."""
        unit = self._unit()
        return _round(_net_of(unit, self.tax_rate) if self.includes_tax else unit, self.quantity)

    def gross(self) -> int:
        """Cents of the line with tax, discounts taken off."""
        unit = self._unit()
        return _round(unit if self.includes_tax else _gross_of(unit, self.tax_rate), self.quantity)

    def unit_prices(self) -> tuple[Decimal, Decimal]:
        """Net and gross price of one unit after discounts, in currency, to six digits."""
        unit = self._exact_unit() / 100
        with_tax = 1 + Fraction(self.tax_percent) / 100
        net, gross = (unit / with_tax, unit) if self.includes_tax else (unit, unit * with_tax)
        return _decimal(net, MICRO), _decimal(gross, MICRO)

    def allowance(self, adjustment: float) -> Decimal:
        """How much of one discount is still granted, in currency, positive."""
        share = Fraction(self.quantity, self.spread_over) if self.spread_over else Fraction(0)
        return _decimal(-Fraction(adjustment) * share / 100, CENT)

    def _unit(self) -> float:
        if self.quantity == 0:
            return float(self.list_price)
        total = 0.0
        for adjustment in self.adjustments:
            total += adjustment / self.spread_over
        return self.list_price + total

    def _exact_unit(self) -> Fraction:
        if self.quantity == 0:
            return Fraction(self.list_price)
        return self.list_price + (
            sum(map(Fraction, self.adjustments), Fraction(0)) / self.spread_over
        )


def currency(cents: int) -> Decimal:
    """Whole cents as an amount of money."""
    return (Decimal(cents) / 100).quantize(CENT)


def _net_of(gross: float, rate: float) -> float:
    return gross - (gross - gross / ((100 + rate) / 100))


def _gross_of(net: float, rate: float) -> float:
    return net + net * (rate / 100)


def _round(value: float, quantity: int) -> int:
    """Round as ``Math.round(value * quantity)`` does: halves go up, also below zero."""
    product = value * quantity
    floor = math.floor(product)
    return floor + 1 if product - floor >= 0.5 else floor


def _decimal(value: Fraction, step: Decimal) -> Decimal:
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(step)
