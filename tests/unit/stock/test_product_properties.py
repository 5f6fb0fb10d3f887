"""Whatever arrives how often and in which order, and wherever a crash cuts, the sums agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.stock.facts import Fact, Move, Sale, WebOrder
from streams.stock.record import record
from tests.unit.stock.scene import (
    CUSTOMER,
    INPUT,
    LOST,
    OUTPUT,
    RESERVE,
    RULES,
    SHELF,
    STORAGE,
    ZONES,
    Shelves,
    move,
    order,
    sale,
)

# A busy machine is no reason to fail.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ZONE = {STORAGE, SHELF, RESERVE}
PLACES = st.sampled_from([STORAGE, SHELF, RESERVE, INPUT, OUTPUT, CUSTOMER, LOST])
MOVE_STATES = st.sampled_from(["draft", "assigned", "done", "cancelled", "deleted"])
SALE_STATES = st.sampled_from(["draft", "quotation", "processing", "done", "cancelled"])
CODES = st.sampled_from(["W1", "W2", "W3"])
LINES = {"W1": (1, 2), "W2": (3,), "W3": (4,)}
ORIGINS = st.sampled_from(
    [None, *(f"sale.line,{n}" for n in range(1, 6)), *(f"stock.move,{n}" for n in range(1, 6))]
)


@st.composite
def moves(draw: st.DrawFn) -> list[Fact]:
    """The topic of moves: rows that change as time goes on."""
    facts: list[Fact] = []
    for moment in range(1, draw(st.integers(0, 12)) + 1):
        start, end = draw(PLACES), draw(PLACES)
        quantity, state = draw(st.integers(0, 5)), draw(MOVE_STATES)
        number = draw(st.integers(1, 6))
        facts.append(move(number, moment, start, end, quantity, state, draw(ORIGINS)))
    return facts


@st.composite
def demand(draw: st.DrawFn) -> list[Fact]:
    """The topic of demand: web orders that change, and their sales."""
    facts: list[Fact] = []
    for moment in range(1, draw(st.integers(0, 10)) + 1):
        code = draw(CODES)
        if draw(st.booleans()):
            facts.append(order(code, moment, draw(st.integers(0, 4))))
        else:
            lines = LINES[code] if draw(st.booleans()) else LINES[code][:1]
            facts.append(sale(code, moment, draw(SALE_STATES), *lines))
    return facts


@dataclass(frozen=True, slots=True)
class Reading:
    """In which order two topics are read: batches, with stretches that are read again."""

    batches: list[list[Fact]]


@st.composite
def readings(draw: st.DrawFn, topics: Sequence[Sequence[Fact]]) -> Reading:
    """Interleave *topics*, each in its own order; go back now and then."""
    offsets, batches = [0] * len(topics), []
    while any(offset < len(topic) for offset, topic in zip(offsets, topics, strict=True)):
        behind = [n for n, topic in enumerate(topics) if offsets[n] < len(topic)]
        which = draw(st.sampled_from(behind))
        size = draw(st.integers(1, 4))
        batches.append(list(topics[which][offsets[which] : offsets[which] + size]))
        offsets[which] += size
        if draw(st.integers(0, 4)) == 0:
            which = draw(st.integers(0, len(topics) - 1))
            offsets[which] = draw(st.integers(0, min(offsets[which], len(topics[which]))))
    return Reading(batches)


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Fact], list[Fact], Reading]:
    """Two topics, and a way to read them."""
    one, other = draw(moves()), draw(demand())
    return one, other, draw(readings([one, other]))


def sums(shelves: Shelves) -> dict[str, Any]:
    """Everything that is counted, read from what is kept."""
    return {**shelves.look().totals.as_json(), "place": None}


def newest(facts: Sequence[Fact]) -> tuple[dict[int, Move], dict[str, WebOrder], dict[str, Sale]]:
    """The last state of each thing; topics are in the order of time."""
    rows = {fact.id: fact for fact in facts if isinstance(fact, Move)}
    orders = {fact.order: fact for fact in facts if isinstance(fact, WebOrder)}
    sales = {fact.order: fact for fact in facts if isinstance(fact, Sale)}
    return rows, orders, sales


def leaves(row: Move) -> bool:
    """Whether a move takes goods out of storage."""
    return row.from_location in ZONE and row.to_location not in ZONE


def line_of(row: Move, rows: dict[int, Move]) -> int | None:
    """Follow a move's origin to a sale line; a loop leads nowhere."""
    for _ in range(len(rows) + 1):
        if row.sale_line is not None or row.step_of not in rows:
            return row.sale_line
        row = rows[row.step_of]
    return None


def recount(facts: Sequence[Fact]) -> tuple[Decimal, Decimal, Decimal]:
    """Count on hand, committed and waiting from the last states alone: another way, no state."""
    rows, orders, sales = newest(facts)
    on_hand = sum(
        (row.to_location in ZONE) * row.quantity - (row.from_location in ZONE) * row.quantity
        for row in rows.values()
        if row.state == "done"
    )
    committed = sum(
        row.quantity for row in rows.values() if row.state in {"draft", "assigned"} and leaves(row)
    )
    waiting = Decimal(0)
    for code, wanted in orders.items():
        lines = sales[code].lines if code in sales else ()
        mine = [
            row
            for row in rows.values()
            if row.state != "deleted" and leaves(row) and line_of(row, rows) in lines
        ]
        moved = {line_of(row, rows) for row in mine}
        state = sales[code].state if code in sales else "none"
        if state == "cancelled" or (state == "done" and moved == set(lines)):
            continue
        taken = sum(row.quantity for row in mine if row.state != "cancelled")
        waiting += max(Decimal(0), wanted.quantity - taken)
    return Decimal(on_hand), Decimal(committed), waiting


@given(stories())
@settings(PATIENT, max_examples=150)
def test_any_reading_ends_in_the_recount(story: tuple[list[Fact], list[Fact], Reading]) -> None:
    """Shuffled across topics, duplicated, replayed: the record is that of the last states."""
    one, other, reading = story
    shelves = Shelves()
    for batch in reading.batches:
        shelves.take(batch)
    product = shelves.look()
    stock = record(product.totals, "MUG", "WH", ZONES, RULES)
    on_hand, committed, waiting = recount([*one, *other])

    assert (stock["on_hand"], stock["committed"], stock["web_waiting"]) == (
        on_hand,
        committed,
        waiting,
    )
    assert stock["available"] == on_hand - committed - waiting
    assert sum(each["on_hand"] for each in stock["locations"]) == on_hand
    assert sum(each["committed"] for each in stock["locations"]) == committed
    assert stock["web_open"] == sum(wanted.quantity for wanted in newest(other)[1].values())


@given(stories())
@settings(PATIENT, max_examples=100)
def test_nothing_is_promised_twice_on_the_way(
    story: tuple[list[Fact], list[Fact], Reading],
) -> None:
    """After every batch, what is available is what a recount of what is known so far says."""
    _, _, reading = story
    shelves = Shelves()
    known: list[Fact] = []
    for batch in reading.batches:
        known += [fact for fact in batch if fact not in known]
        product = shelves.take(batch)
        on_hand, committed, waiting = recount(known)
        stock = record(product.totals, "MUG", "WH", ZONES, RULES)

        assert stock["available"] == on_hand - committed - waiting


@given(stories(), st.data())
@settings(PATIENT, max_examples=150)
def test_a_crash_that_keeps_a_prefix_of_the_writes_changes_nothing(
    story: tuple[list[Fact], list[Fact], Reading], data: st.DataObject
) -> None:
    """Cut the writes anywhere, read again from anywhere before: the end is the same."""
    one, other, reading = story
    whole, cut = Shelves(), Shelves()
    crash = data.draw(st.integers(0, max(0, len(reading.batches) - 1)), "batch that is cut")
    for number, batch in enumerate(reading.batches):
        before = len(whole.changelog)
        whole.take(batch)
        if number == crash:
            kept = data.draw(st.integers(before, len(whole.changelog)), "writes that are kept")
            cut = Shelves(whole.changelog[:kept])
    again = [[*one], [*other]]
    for batch in data.draw(readings(again), "reading again").batches:
        cut.take(batch)

    assert sums(cut) == sums(whole)


@given(stories(), st.data())
@settings(PATIENT, max_examples=100)
def test_totals_and_facts_change_together(
    story: tuple[list[Fact], list[Fact], Reading], data: st.DataObject
) -> None:
    """At every prefix, what is read is the state before the batch or the state after it."""
    _, _, reading = story
    shelves = Shelves()
    for batch in reading.batches:
        before, start = sums(shelves), len(shelves.changelog)
        shelves.take(batch)
        kept = data.draw(st.integers(start, len(shelves.changelog)), "writes that are kept")
        half = Shelves(shelves.changelog[:kept])
        now = sums(half)
        # Reading the same batch again must end where it would have ended.
        half.take(batch)

        assert now in (before, sums(shelves))
        assert sums(half) == sums(shelves)
