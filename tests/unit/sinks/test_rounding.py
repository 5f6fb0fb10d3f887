"""Whatever the shop charged, the ERP's arithmetic comes out at the same cents."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.errors import RecordError
from sinks.tryton.rounding import CENT, Amounts, price, rounding

RATES = ("20", "5.5", "10", "2.1", "7.7", "19", "0")
D = Decimal


def shop_line(gross_cents: int, quantity: int, percent: str) -> Amounts:
    """A line as the shop computes it: net rounded half up from the price with tax, tax the rest."""
    gross = D(gross_cents * quantity) / 100
    net = (gross / (1 + D(percent) / 100)).quantize(CENT, rounding=ROUND_HALF_UP)
    return Amounts("line", D(quantity), net, gross - net, D(percent))


@settings(max_examples=500)
@given(st.integers(0, 500_000), st.integers(1, 400), st.sampled_from(RATES))
def test_a_line_of_the_shop_is_met_to_the_cent_or_by_one_rounding_cent(
    gross_cents: int, quantity: int, percent: str
) -> None:
    """The tax is always equal; the net amount is, or the rounding line carries one cent."""
    line = shop_line(gross_cents, quantity, percent)
    priced = price(line, 8)

    assert priced.tax == line.tax
    assert abs(priced.net - line.net) <= CENT
    assert priced.unit_price == priced.unit_price.quantize(Decimal("1e-8"))


@given(
    st.lists(
        st.builds(
            shop_line, st.integers(1, 20_000), st.integers(1, 30), st.sampled_from(("20", "5.5"))
        ),
        min_size=1,
        max_size=40,
    )
)
def test_with_its_rounding_line_an_order_has_the_shops_three_totals(lines: list[Amounts]) -> None:
    """Untaxed, tax and total, each to the cent, and never by more than a cent a line."""
    priced = [price(line, 8) for line in lines]
    extra = rounding(lines, priced, D("0.05"))

    assert sum(one.net for one in priced) + extra == sum(line.net for line in lines)
    assert sum(one.tax for one in priced) == sum(line.tax for line in lines)


@given(st.integers(1, 100_000), st.integers(1, 20), st.sampled_from(("20", "5.5")))
def test_four_digits_do_as_well_for_ordinary_lines(
    gross_cents: int, quantity: int, percent: str
) -> None:
    """An ERP with Tryton's own default of four decimals needs no other rule."""
    line = shop_line(gross_cents, quantity, percent)
    priced = price(line, 4)

    assert priced.tax == line.tax
    assert abs(priced.net - line.net) <= CENT


@pytest.mark.parametrize(
    ("gross_cents", "quantity", "percent", "cents_left"),
    [
        (99, 1, "20", 1),  # 0.825 + 0.165: both end in half a cent
        (1995, 1, "20", 1),
        (1999, 3, "5.5", 0),
        (3333, 2, "20", 0),
        (490, 1, "20", 0),
        (1999, 1, "5.5", 0),
    ],
)
def test_the_awkward_prices_of_the_catalogue(
    gross_cents: int, quantity: int, percent: str, cents_left: int
) -> None:
    """Known cases, as seen on the real systems."""
    line = shop_line(gross_cents, quantity, percent)

    assert line.net - price(line, 8).net == CENT * cents_left


def test_a_discount_is_a_line_with_a_negative_price() -> None:
    """Rounding half to even is the same on both sides of zero."""
    line = Amounts("discount", D(1), D("-4.17"), D("-0.83"), D(20))

    assert price(line, 8).net == line.net
    assert price(line, 8).tax == line.tax


def test_a_gift_costs_nothing() -> None:
    """A zero-priced line stays on the order."""
    assert price(Amounts("gift", D(2), D("0.00"), D("0.00"), D(20)), 8).unit_price == 0


def test_a_tax_that_no_price_gives_is_refused_with_the_arithmetic() -> None:
    """The shop says 20 % and charges half of it."""
    with pytest.raises(RecordError, match=r"5.00 of tax at 0 %.*would compute 0.00"):
        price(Amounts("MUG", D(1), D("50.00"), D("5.00"), D(0)), 8)


def test_more_than_rounding_is_refused_with_the_arithmetic() -> None:
    """Amounts that are wrong by more than a cent a line are not hidden in a rounding line."""
    line = Amounts("MUG", D(1), D("50.00"), D("9.00"), D(20))
    with pytest.raises(RecordError, match=r"MUG: 1 x 4.*, not 50.00"):
        rounding([line], [price(line, 8)], D("0.05"))
