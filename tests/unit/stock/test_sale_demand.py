"""The ERP's sale of a web order, told to each product that it has lines for."""

from dataclasses import dataclass, field
from typing import Any

from schemas import topics
from streams.batch import Outbox, Table
from streams.dead_letter import DeadLetters
from streams.stock.sale_demand import SALES, SaleDemand
from tests.unit.stock.raw import Raw, batch, change, sent

Said = list[tuple[str, str, str, list[int]]]


def head(moment: int, state: str | None = "draft", op: str = "u", **other: Any) -> bytes:
    """Write a change of ``sale_sale``."""
    row = {"id": 5, "web_id": "W1", "web_shop": 1, "state": state, **other}
    return change("sale_sale", row, moment, op)


def line(number: int, moment: int, product: int | None, quantity: float | None = 1.0) -> bytes:
    """Write a change of ``sale_line``."""
    row = {"id": number, "sale": 5, "product": product, "quantity": quantity}
    return change("sale_line", row, moment)


@dataclass(slots=True)
class Desk:
    """The agent with a table and without a broker."""

    table: Table = field(default_factory=Table)

    def take(self, *values: bytes | None) -> Outbox:
        out = Outbox()
        records = [Raw(b"5", value, offset) for offset, value in enumerate(values)]
        agent = SaleDemand(self.table, DeadLetters("streams.stock"))
        agent.fold(batch(SALES, *records), out)
        out.commit()
        return out


def said(out: Outbox) -> Said:
    """Product, order, state and lines of what was said."""
    demand = sent(out, topics.DEMAND)
    return [(key, it["order"], it["state"], it["lines"]) for key, it in demand]


def test_each_product_hears_of_its_lines() -> None:
    """Keyed by the product that stands in the line."""
    out = Desk().take(head(1), line(11, 2, 30), line(12, 3, 39), line(13, 4, 30))

    assert said(out) == [("30", "W1", "draft", [11, 13]), ("39", "W1", "draft", [12])]


def test_lines_before_their_sale_wait_for_it() -> None:
    """A snapshot reads tables in an order of its own."""
    desk = Desk()

    assert not desk.take(line(11, 2, 30)).messages
    assert said(desk.take(head(3))) == [("30", "W1", "draft", [11])]


def test_lines_that_take_nothing_are_left_out() -> None:
    """Comments have no product, returns have less than nothing."""
    out = Desk().take(head(1), line(11, 2, None, None), line(12, 3, 39, -1.0), line(13, 4, 30, 0.0))

    assert not out.messages


def test_rows_that_change_nothing_here_say_nothing() -> None:
    """Numbers, dates and amounts are no business of stock."""
    desk = Desk()
    desk.take(head(1), line(11, 2, 30))

    assert not desk.take(head(3, number="7")).messages
    assert said(desk.take(head(4, "done"))) == [("30", "W1", "done", [11])]


def test_a_replay_is_said_again() -> None:
    """A crash may have kept the note and lost the word."""
    desk = Desk()
    first = said(desk.take(head(1), line(11, 2, 30)))

    assert said(desk.take(head(1), line(11, 2, 30))) == first


def test_a_line_that_goes_is_taken_back() -> None:
    """Deleted, or for another product now."""
    desk = Desk()
    desk.take(head(1), line(11, 2, 30), line(12, 3, 30))
    gone = change("sale_line", {"id": 12, "sale": 5, "product": 30, "quantity": 1.0}, 4, "d")

    assert said(desk.take(gone)) == [("30", "W1", "draft", [11])]
    assert said(desk.take(line(11, 5, 39))) == [
        ("30", "W1", "draft", []),
        ("39", "W1", "draft", [11]),
    ]


def test_a_sale_that_is_deleted_is_taken_back() -> None:
    """Its order waits again, as if there never was one."""
    desk = Desk()
    desk.take(head(1), line(11, 2, 30))

    assert said(desk.take(head(3, op="d"))) == [("30", "W1", "deleted", [])]


def test_other_sales_say_nothing() -> None:
    """Only those of a web shop count."""
    desk = Desk()

    assert not desk.take(head(1, web_id=None), line(11, 2, 30)).messages
    assert not desk.take(head(3, web_shop=None)).messages


def test_malformed_rows_become_dead_letters() -> None:
    """Rows that are no JSON, and rows that do not fit."""
    out = Desk().take(b"rubbish", head(1, state=None), line(11, 2, 30))

    assert [message.topic for message in out.messages] == [
        topics.dead_letters("streams.stock"),
        topics.dead_letters("streams.stock"),
    ]
