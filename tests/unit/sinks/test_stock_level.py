"""What is written to the shop makes what it sells equal what is available."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import RecordError
from sinks.vendure.stock import Level, split_key, wanted
from tests.contract.stock import stock

quantities = st.integers(-50, 200)
counts = st.integers(0, 100)


@given(quantities, counts, counts)
def test_the_shop_never_sells_more_than_is_available(
    available: int, known: int, allocated: int
) -> None:
    """Orders the record does not know are taken off on top; nothing is ever taken off twice."""
    record = stock("MUG", str(available), web_open=str(known))
    on_hand = wanted(record, Level("1", 0, allocated))
    saleable = on_hand - allocated
    unknown_to_us = max(0, allocated - known)

    assert on_hand >= 0
    assert saleable <= max(available - unknown_to_us, 0)
    if on_hand > 0:
        assert saleable == available - unknown_to_us


def test_half_a_roll_is_not_promised() -> None:
    """The shop sells whole units."""
    assert wanted(stock("ROLL", "2.5"), Level("1", 0, 0)) == 2


@pytest.mark.parametrize(("key", "parts"), [("MUG@WH", ("MUG", "WH")), ("A@B@WH", ("A@B", "WH"))])
def test_a_key_is_a_sku_and_a_warehouse(key: str, parts: tuple[str, str]) -> None:
    """A SKU may hold the sign too."""
    assert split_key(key) == parts


@pytest.mark.parametrize("key", ["MUG", "@WH", "MUG@", ""])
def test_another_key_is_refused(key: str) -> None:
    """With a sentence."""
    with pytest.raises(RecordError, match="not SKU@WAREHOUSE"):
        split_key(key)
