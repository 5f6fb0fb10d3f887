"""
A line's amounts as the shop computed them in, a unit price that makes Tryton compute the same out.

The two systems round differently. The shop starts from the price with tax: it rounds the net
amount half up and takes what is left as tax. Tryton starts from the net unit price: per line it
rounds quantity x price, and quantity x price x rate, each half to even. There is nearly always a
unit price for which both come out right; where net and tax both end in half a cent there is
none. Then the price gives the right tax, and the cent goes to a line of its own without tax.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

from runtime.errors import RecordError

CENT = Decimal("0.01")
HALF = CENT / 2
WIDE = Context(prec=50)  # more digits than any product of ours has


@dataclass(frozen=True, slots=True)
class Amounts:
    """One line as the shop computed it; *percent* is the tax rate, *net* and *tax* in cents."""

    label: str
    quantity: Decimal
    net: Decimal
    tax: Decimal
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Priced:
    """The unit price to send, and what Tryton makes of it."""

    unit_price: Decimal
    net: Decimal
    tax: Decimal


def predict(quantity: Decimal, unit_price: Decimal, percent: Decimal) -> Priced:
    """Tryton's own arithmetic, with tax rounded per line."""
    exact = WIDE.multiply(quantity, unit_price)
    tax = WIDE.multiply(exact, percent / 100)
    return Priced(unit_price, cents(exact), cents(tax))


def cents(amount: Decimal) -> Decimal:
    """Round as Tryton's currency does: half to even."""
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN, context=WIDE)


def price(line: Amounts, digits: int) -> Priced:
    """
    Find the unit price, of at most *digits* decimals, that comes nearest.

    The tax always agrees; the net amount does, or differs by what `rounding` will add. Raises
    RecordError, with the arithmetic, when no price gives the tax.
    """
    if line.quantity == 0:
        raise RecordError(f"{line.label}: a line of quantity 0 cannot be priced")
    best: Priced | None = None
    for candidate in _candidates(line, digits):
        priced = predict(line.quantity, candidate, line.percent)
        if priced.tax != line.tax:
            continue
        if priced.net == line.net:
            return priced
        if best is None or abs(priced.net - line.net) < abs(best.net - line.net):
            best = priced
    if best is None:
        usual = predict(line.quantity, _round(line.net / line.quantity, digits), line.percent)
        raise RecordError(
            f"{line.label}: {line.quantity:f} for {line.net} with {line.tax} of tax at"
            f" {line.percent:f} % does not add up: the ERP would compute {usual.tax}"
        )
    return best


def rounding(lines: Sequence[Amounts], priced: Sequence[Priced], largest: Decimal) -> Decimal:
    """
    What a line without tax must add so that the untaxed total is the shop's.

    One cent a line is what two ways of rounding can explain, and *largest* is allowed to any
    order; more than both is an error in the amounts, and RecordError shows the arithmetic.
    """
    total = sum((line.net - ours.net for line, ours in zip(lines, priced, strict=True)), Decimal(0))
    if abs(total) > max(largest, CENT * len(lines)):
        apart = "; ".join(
            f"{line.label}: {line.quantity:f} x {ours.unit_price:f} = {ours.net}, not {line.net}"
            for line, ours in zip(lines, priced, strict=True)
            if ours.net != line.net
        )
        raise RecordError(
            f"the ERP's arithmetic is {total} away from the shop's, which is more than rounding"
            f" (orders.largest_rounding = {largest}): {apart}"
        )
    return total


def _candidates(line: Amounts, digits: int) -> Iterator[Decimal]:
    """Unit prices to try, the plainest first."""
    quantity = line.quantity
    for places in range(2, digits + 1, 2):
        yield _round(line.net / quantity, places)
    rate = line.percent / 100
    if rate == 0:
        return
    for places in range(4, digits + 1, 2):
        yield _round((line.net + line.tax) / (1 + rate) / quantity, places)
    # Where quantity x price may lie for the net amount to come out right, and for the tax.
    net = (line.net - HALF, line.net + HALF)
    tax = ((line.tax - HALF) / rate, (line.tax + HALF) / rate)
    low, high = max(net[0], tax[0]), min(net[1], tax[1])
    yield _round((low + high) / 2 / quantity, digits)
    for edge in (low, high, *tax):
        for mode in (ROUND_FLOOR, ROUND_CEILING):
            at_edge = _round(edge / quantity, digits, mode)
            step = Decimal(1).scaleb(-digits)
            yield from (at_edge, at_edge - step, at_edge + step)


def _round(amount: Decimal, digits: int, mode: str = ROUND_HALF_EVEN) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-digits), rounding=mode, context=WIDE)
