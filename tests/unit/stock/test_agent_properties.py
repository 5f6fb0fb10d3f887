"""Whatever a crash leaves of what was sent and what was kept, the newest record is the truth."""

from dataclasses import dataclass, field
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import topics
from schemas.records import Stock
from streams.batch import Batch, Outbox, Record, Table
from streams.dead_letter import DeadLetters
from streams.stock.agent import MOVES, STOCK, StockAgent
from streams.stock.catalogue import Catalogue
from streams.stock.demand import encode
from streams.stock.facts import Move, Sale, WebOrder
from streams.stock.record import fingerprint
from tests.unit.stock.raw import Raw, known, stock_move
from tests.unit.stock.scene import RULES
from tests.unit.stock.test_product_properties import PATIENT, demand, moves

PRODUCTS = (b"12", b"13")
NAMED = known(p12="MUG", p13="CUP")
HALF_NAMED = known(p13="CUP")


@dataclass(slots=True)
class Broker:
    """Two input topics, the changelog, and the newest stock record of each key."""

    inputs: dict[str, list[Raw]]
    changelog: list[Record] = field(default_factory=list)
    stock: dict[bytes, str] = field(default_factory=dict)
    committed: dict[str, int] = field(default_factory=lambda: {MOVES: 0, topics.DEMAND: 0})


@dataclass(slots=True)
class Worker:
    """A worker that begins where the broker says it was, with the table the changelog gives."""

    broker: Broker
    catalogue: Catalogue
    table: Table = field(default_factory=Table)
    positions: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.table.recover(0, self.broker.changelog)
        self.positions = dict(self.broker.committed)

    def agent(self) -> StockAgent:
        letters = DeadLetters("streams.stock")
        return StockAgent(self.table, lambda: self.catalogue, RULES, said, letters)

    def done(self) -> bool:
        return all(self.positions[topic] == len(self.broker.inputs[topic]) for topic in MOVES_FIRST)

    def step(self, topic: str, size: int) -> tuple[Outbox, list[Record]]:
        """Take over one batch; give what is to be sent and kept."""
        start = self.positions[topic]
        records = cast("list[Record]", self.broker.inputs[topic][start : start + size])
        out = Outbox()
        self.agent().fold(Batch(topic, 0, records), out)
        self.positions[topic] = start + len(records)
        return out, changes(out)

    def sweep(self) -> tuple[Outbox, list[Record]]:
        """Look whether anything is to be looked at again."""
        out = Outbox()
        self.agent().settle(0, out)
        return out, changes(out)


MOVES_FIRST = (MOVES, topics.DEMAND)


def changes(out: Outbox) -> list[Record]:
    """Apply the changes of the tables; give what goes to the changelog."""
    made: Any = [message for message in out.commit() if message.topic != STOCK]
    result: list[Record] = made
    return result


def said(stock: Stock) -> bytes:
    """Write what a record says."""
    return fingerprint(stock).encode()


def publish(broker: Broker, out: Outbox, kept: int | None = None) -> None:
    """Let the first *kept* of what was sent reach the broker."""
    for message in [message for message in out.messages if message.topic == STOCK][:kept]:
        broker.stock[message.key or b""] = (message.value or b"").decode()


def write(fact: Move | WebOrder | Sale) -> bytes:
    """Write a fact as it travels."""
    if isinstance(fact, Move):
        return stock_move(
            fact.id,
            fact.at.lsn,
            fact.from_location,
            fact.to_location,
            float(fact.quantity),
            "done" if fact.state == "deleted" else fact.state,
            fact.origin,
            "d" if fact.state == "deleted" else "u",
        )
    return encode(fact)


@st.composite
def inputs(draw: st.DrawFn) -> dict[str, list[Raw]]:
    """Two topics of facts about two products."""
    made: dict[str, list[Raw]] = {}
    for topic, facts in ((MOVES, draw(moves())), (topics.DEMAND, draw(demand()))):
        keys = [draw(st.sampled_from(PRODUCTS)) for _ in facts]
        made[topic] = [Raw(key, write(fact)) for key, fact in zip(keys, facts, strict=True)]
    return made


def read_all(broker: Broker, catalogue: Catalogue) -> Worker:
    """Read to the end without a crash, and sweep until all is settled."""
    worker = Worker(broker, catalogue)
    for topic in MOVES_FIRST:
        while worker.positions[topic] < len(broker.inputs[topic]):
            publish(broker, worker.step(topic, 3)[0])
    for _ in range(5):
        publish(broker, worker.sweep()[0])
    return worker


@given(inputs(), st.data())
@settings(PATIENT, max_examples=100)
def test_the_newest_record_is_the_truth_after_any_crash(
    made: dict[str, list[Raw]], data: st.DataObject
) -> None:
    """A crash keeps some of the records sent, a prefix of the changelog, and old offsets."""
    calm = Broker(made)
    read_all(calm, NAMED)
    broker = Broker(made)
    for catalogue in data.draw(st.lists(st.sampled_from([NAMED, HALF_NAMED]), max_size=4), "lives"):
        worker = Worker(broker, catalogue)
        for _ in range(data.draw(st.integers(0, 5), "batches of this life")):
            if data.draw(st.booleans(), "sweep"):
                out, kept = worker.sweep()
                publish(broker, out)
            else:
                topic = data.draw(st.sampled_from(MOVES_FIRST), "topic")
                out, kept = worker.step(topic, data.draw(st.integers(1, 4), "size"))
                publish(broker, out)
            broker.changelog += kept
            if data.draw(st.booleans(), "commits"):
                broker.committed = dict(worker.positions)
        topic = data.draw(st.sampled_from(MOVES_FIRST), "topic of the last batch")
        out, kept = worker.step(topic, 4)
        publish(broker, out, data.draw(st.integers(0, 3), "sends that arrive"))
        broker.changelog += kept[: data.draw(st.integers(0, len(kept)), "writes that arrive")]
    read_all(broker, NAMED)

    assert broker.stock.items() >= calm.stock.items()


@given(inputs(), st.data())
@settings(PATIENT, max_examples=40)
def test_a_sweep_that_is_cut_short_is_done_again(
    made: dict[str, list[Raw]], data: st.DataObject
) -> None:
    """What it sends is durable before what it keeps; then it may be cut anywhere."""
    calm = Broker(made)
    read_all(calm, NAMED)
    broker = Broker(made)
    unnamed = read_all(broker, known())
    assert not broker.stock
    broker.changelog = []
    for key, value in unnamed.table.shard(0).values.items():
        broker.changelog.append(Raw(key, value))
    broker.committed = dict(unnamed.positions)
    for _ in range(data.draw(st.integers(0, 4), "sweeps that are cut")):
        worker = Worker(broker, NAMED)
        out, kept = worker.sweep()
        arrived = data.draw(st.integers(0, 3), "sends that arrive")
        publish(broker, out, arrived)
        if arrived >= len(out.messages):
            broker.changelog += kept[: data.draw(st.integers(0, len(kept)), "writes that arrive")]
    worker = Worker(broker, NAMED)
    for _ in range(5):
        publish(broker, worker.sweep()[0])

    assert broker.stock == calm.stock
