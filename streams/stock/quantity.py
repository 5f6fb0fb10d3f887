"""Quantities in, the same quantities out in one spelling: decimal everywhere, text at rest."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

ZERO = Decimal(0)
_SMALLEST = Decimal("0.0001")  # the scale of the record's decimals


def text(quantity: Decimal) -> str:
    """Spell *quantity* without exponent or trailing zeros: equal values, equal text."""
    return "0" if quantity == 0 else format(quantity.normalize(), "f")


def floor(quantity: Decimal) -> Decimal:
    """What may be called there: never more than there is."""
    return quantity.quantize(_SMALLEST, ROUND_FLOOR)


def ceiling(quantity: Decimal) -> Decimal:
    """What must be kept back: never less than is wanted."""
    return quantity.quantize(_SMALLEST, ROUND_CEILING)
