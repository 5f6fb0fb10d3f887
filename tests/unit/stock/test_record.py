"""The record: its arithmetic, its rounding, and when two say the same."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from schemas import avsc
from streams.stock.facts import NOWHERE
from streams.stock.quantity import text
from streams.stock.record import Rules, fingerprint, key, nothing, record
from streams.stock.totals import Totals, from_json
from tests.unit.stock.scene import ELSEWHERE, OUTPUT, RULES, SHELF, ZONES, place

QUANTITIES = st.decimals(-1000, 1000, places=7)


def totals(on_hand: Decimal, planned: Decimal, waiting: Decimal) -> Totals:
    """Make totals of one location and one web order."""
    made = Totals(place=place(1))
    made.carry(OUTPUT, SHELF, on_hand)
    made.plan(SHELF, OUTPUT, planned)
    made.wait("W1", waiting)
    return made


@given(QUANTITIES, st.decimals(0, 1000, places=7), st.decimals(0, 1000, places=7))
def test_what_is_available_is_never_more_than_the_parts_say(
    on_hand: Decimal, planned: Decimal, waiting: Decimal
) -> None:
    """Rounded to the schema's scale against the shop, and still an exact sum."""
    rules = replace(RULES, safety=Decimal("0.00001"))
    stock = record(totals(on_hand, planned, waiting), "MUG", "WH", ZONES, rules)
    exact = on_hand - planned - waiting - Decimal("0.00001")

    assert stock["available"] <= exact
    assert exact - stock["available"] < Decimal("0.0005")
    assert stock["available"] == (
        stock["on_hand"] - stock["committed"] - stock["web_waiting"] - stock["safety_stock"]
    )
    assert stock["available"] == stock["available"].quantize(Decimal("0.0001"))


def test_the_record_has_the_fields_of_the_schema() -> None:
    """Each of them, and no other."""
    wanted = {field["name"] for field in avsc.schema("stock")["fields"]}

    assert set(record(Totals(), "MUG", "WH", ZONES, RULES)) == wanted
    assert set(nothing(NOWHERE, "MUG", "WH")) == wanted


def test_web_orders_are_served_from_one_warehouse() -> None:
    """Elsewhere they take nothing away."""
    made = totals(Decimal(5), Decimal(0), Decimal(2))
    made.carry(OUTPUT, ELSEWHERE, Decimal(9))
    made.web_open = Decimal(2)
    rules = Rules(("FAR", "WH"), "WH")
    far = record(made, "MUG", "FAR", ZONES, rules)
    near = record(made, "MUG", "WH", ZONES, rules)

    assert [far["available"], far["web_waiting"], far["web_open"]] == list(map(Decimal, (9, 0, 0)))
    assert [near["available"], near["web_waiting"]] == [Decimal(3), Decimal(2)]
    assert near["web_open"] == 2


def test_records_that_say_the_same_have_one_fingerprint() -> None:
    """Wherever they were read, and however a number is spelt."""
    one = record(totals(Decimal(5), Decimal(0), Decimal(0)), "MUG", "WH", ZONES, RULES)
    same = totals(Decimal("5.000"), Decimal(0), Decimal(0))
    same.place = place(9)
    other = totals(Decimal(5), Decimal(1), Decimal(0))

    assert fingerprint(one) == fingerprint(record(same, "MUG", "WH", ZONES, RULES))
    assert fingerprint(one) != fingerprint(record(other, "MUG", "WH", ZONES, RULES))


def test_a_key_names_sku_and_warehouse() -> None:
    """A SKU may have an at sign of its own."""
    assert key("MUG", "WH") == "MUG@WH"
    assert key("M@G", "WH").rpartition("@") == ("M@G", "@", "WH")


def test_totals_survive_being_kept() -> None:
    """Every sum, to the last digit, and nothing that is zero."""
    made = totals(Decimal("5.125"), Decimal("1.50"), Decimal(2))
    made.plan(SHELF, OUTPUT, Decimal("-1.5"))
    made.sent = {"MUG@WH": "print"}
    read = from_json(made.as_json())

    assert read == made
    assert read.planned == {}
    assert text(Decimal("1E+2")) == "100"
    assert text(Decimal("-0.00")) == "0"
