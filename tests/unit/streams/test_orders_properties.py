"""Whatever is sent again, cut off or lost: the same orders leave, and only whole ones."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.batch import Outbox
from streams.change_event import parse
from streams.document import fold, load
from streams.mappings.vendure.order import order
from tests.unit.streams.bench import Bench, FakeReferences, content
from tests.unit.streams.shop import ShopLog, Shopper

IDS = (5, 6)


@st.composite
def shops(draw: st.DrawFn) -> ShopLog:
    """Draw what a few buyers do, one call after the other."""
    shop = ShopLog()
    buyers = {identity: Shopper(shop, identity, f"ORDER-{identity}") for identity in IDS}
    number = 100
    for _ in range(draw(st.integers(4, 24))):
        buyer = buyers[draw(st.sampled_from(IDS))]
        number += 1
        choices = _possible(buyer, number, draw)
        choices[draw(st.integers(0, len(choices) - 1))]()
    return shop


def _possible(buyer: Shopper, number: int, draw: st.DrawFn) -> list[Callable[[], Any]]:
    """Say what a buyer may do next."""
    if not buyer.root:
        return [buyer.start]
    if buyer.root["state"] == "Cancelled":
        return [buyer.settle]
    if not buyer.root["active"]:
        line = draw(st.sampled_from(sorted(buyer.lines)))
        fewer = max(0, buyer.lines[line]["quantity"] - 1)
        return [buyer.settle, buyer.cancel, lambda: buyer.change(line, quantity=fewer)]
    price, quantity = draw(st.integers(0, 4000)), draw(st.integers(1, 5))
    choices: list[Callable[[], Any]] = [
        lambda: buyer.add(number, number % 50 + 1, quantity, price),
        lambda: buyer.surcharge(number, price - 2000),
        lambda: buyer.ship(number, price),
    ]
    if buyer.lines:
        line = draw(st.sampled_from(sorted(buyer.lines)))
        choices.append(lambda: buyer.remove(line))
        choices.append(lambda: buyer.change(line, quantity=quantity))
        if buyer.shipping:
            choices += [lambda: buyer.place(number)] * 3
    return choices


def whole_states(shop: ShopLog) -> dict[str, list[dict[str, Any]]]:
    """Say what each order was at the end of each transaction, from when it was placed."""
    cells: dict[bytes, Any] = {}
    states: dict[str, list[dict[str, Any]]] = {}
    for _, events in shop.commits:
        for key, value in events:
            event = parse(key, value)
            if event is not None:
                fold(cells, key, event)
        for identity in IDS:
            document = load(cells, b"%d" % identity)
            verdict = document and order(document, FakeReferences())
            if isinstance(verdict, dict):
                states.setdefault(verdict["id"], []).append(content(verdict))
    return states


def restarts(bench: Bench, shop: ShopLog, data: st.DataObject) -> None:
    """Let Connect write the log, dying now and then, and going on from somewhere before."""
    at = 0
    for _ in range(data.draw(st.integers(0, 3), label="restarts")):
        until = data.draw(st.integers(at, len(shop.commits)), label="until")
        for position, events in shop.commits[at:until]:
            for event in events:
                bench.append(*event)
            bench.ends.append((position, len(bench.log)))
        if until < len(shop.commits):  # it dies in the middle of a transaction
            events = shop.commits[until][1]
            for event in events[: data.draw(st.integers(0, len(events)), label="half")]:
                bench.append(*event)
        at = data.draw(st.integers(0, until), label="again from")
    for position, events in shop.commits[at:]:
        for event in events:
            bench.append(*event)
        bench.ends.append((position, len(bench.log)))


def work(bench: Bench, data: st.DataObject) -> None:
    """Read to the end, in batches of any size, dying now and then."""
    deaths = 3
    while bench.committed < len(bench.log):
        size = data.draw(st.integers(1, 12), label="batch")
        fate = data.draw(st.sampled_from(["read", "read", "read", "lost", "unsent"]))
        if fate == "read" or not deaths:
            bench.read(size)
            bench.sweep()
        elif fate == "lost":  # the batch was on its way: any prefix of it is durable
            deaths -= 1
            lost = bench.fold(bench.log[bench.committed :][:size])
            bench.crash(lost, data.draw(st.integers(0, len(lost)), label="kept"))
        else:  # the sweep was on its way: what it sent is there, what it set is not
            deaths -= 1
            bench.read(size)
            out = Outbox()
            bench.release(0, out)
            bench.keep(out.messages)
            bench.revive()
    bench.sweep()


@settings(max_examples=100, deadline=None)
@given(shop=shops(), data=st.data())
def test_the_same_orders_leave_and_only_whole_ones(shop: ShopLog, data: st.DataObject) -> None:
    """
    Restarts of Connect and of the worker change nothing but how often a record is sent.

    Every record is what the shop's order was at the end of some transaction, never a cart, and
    the last one is what it is now.
    """
    bench = Bench()
    restarts(bench, shop, data)
    work(bench, data)

    states = whole_states(shop)
    for published in bench.published:
        assert content(published) in states[published["id"]]
    newest = {record["id"]: content(record) for record in bench.published}
    assert newest == {code: history[-1] for code, history in states.items()}
    assert bench.dead == []


@settings(max_examples=60, deadline=None)
@given(shop=shops(), data=st.data())
def test_duplicates_and_old_events_change_no_document(shop: ShopLog, data: st.DataObject) -> None:
    """After all events, any of them in any order are no news."""
    events = [
        (key, event) for key, value in shop.events() if (event := parse(key, value)) is not None
    ]
    cells: dict[bytes, Any] = {}
    for key, event in events:
        fold(cells, key, event)
    before = {key: load(cells, key) for key, _ in events}
    again = data.draw(st.lists(st.sampled_from(events), max_size=40)) if events else []

    assert not any(fold(cells, key, event) for key, event in again)
    assert {key: _rows(load(cells, key)) for key, _ in events} == {
        key: _rows(document) for key, document in before.items()
    }


def _rows(document: Any) -> Any:
    return document and (document.rows, document.position)
