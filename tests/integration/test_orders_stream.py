"""
Recorded change events in, ``canonical.order`` out, through the real app on a real broker.

What it writes is read with confluent-kafka's own deserializer, as anybody else would.
"""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any, cast

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from runtime.admin import Admin, TopicFacts
from runtime.dead_letters import Headers
from runtime.kafka import Cluster
from schemas import topics
from tests.unit.streams.shop import ShopLog, Shopper

pytestmark = pytest.mark.stack

RECORDED = Path(__file__).with_name("recorded-shop.jsonl")
ORDERS = topics.raw("vendure", "order")
DEADLINE_SECONDS = 120.0


@dataclass(slots=True)
class Reader:
    """Everything that a topic holds, kept as it comes."""

    kafka: str
    topic: str
    messages: list[Message] = field(default_factory=list)
    _consumer: Consumer = field(init=False)

    def __post_init__(self) -> None:
        self._consumer = Consumer({"bootstrap.servers": self.kafka, "group.id": str(uuid.uuid4())})
        numbers = self._consumer.list_topics(self.topic, timeout=20).topics[self.topic].partitions
        self._consumer.assign([TopicPartition(self.topic, n, OFFSET_BEGINNING) for n in numbers])

    def until(self, enough: Callable[[list[Message]], bool]) -> list[Message]:
        """Read until there is enough; fails at a deadline."""
        deadline = monotonic() + DEADLINE_SECONDS
        while not enough(self.messages):
            assert monotonic() < deadline, f"{self.topic}: only {len(self.messages)} records came"
            self.messages += [
                message
                for message in self._consumer.consume(100, timeout=0.2)
                if message.error() is None
            ]
        return self.messages

    def close(self) -> None:
        """Stop reading."""
        self._consumer.close()


@dataclass(slots=True)
class Worker:
    """``python -m streams orders``, as its supervisor starts it."""

    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streams", "orders"],
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def end(self, number: signal.Signals) -> int:
        """Send a signal, and wait for the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def broker(kafka: str) -> str:
    """A broker with every topic of ours."""
    admin = Admin.connect(Cluster(kafka))
    there = admin.topics()
    missing = {
        topic.name: TopicFacts(topic.partitions, {})
        for topic in topics.topics()
        if topic.name not in there
    }
    admin.create(missing)
    return kafka


@pytest.fixture(scope="module")
def worker(
    broker: str, registry: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worker]:
    """A worker that runs."""
    place = tmp_path_factory.mktemp("orders")
    worker = Worker(
        {
            **os.environ,
            "SYNCLINE_CONFIG": str(place / "none.toml"),
            "SYNCLINE_KAFKA__BOOTSTRAP": broker,
            "SYNCLINE_REGISTRY__URL": registry,
            "SYNCLINE_STREAMS__DATA_DIR": str(place),
        },
        place / "log",
    )
    worker.start()
    yield worker
    if worker.process is not None and worker.process.poll() is None:
        worker.end(signal.SIGKILL)


@pytest.fixture(scope="module")
def orders(broker: str) -> Iterator[Reader]:
    """What the app publishes."""
    reader = Reader(broker, topics.canonical("order"))
    yield reader
    reader.close()


@pytest.fixture(scope="module")
def producer(broker: str) -> Producer:
    """Writes what Connect would."""
    return Producer({"bootstrap.servers": broker, "partitioner": "murmur2_random"})


def keys(messages: list[Message]) -> list[str]:
    """Say which orders were published."""
    return [(message.key() or b"").decode() for message in messages]


def write(producer: Producer, shop: ShopLog, *, ends: bool = True) -> None:
    """Write a shop's transactions as Connect does: rows first, then their END."""
    for position, events in shop.commits:
        for key, value in events:
            producer.produce(ORDERS, key=key, value=value)
        producer.flush()
        if ends:
            end = json.dumps({"status": "END", "id": f"1:{position}"})
            producer.produce(topics.transaction("vendure"), value=end.encode())
    producer.flush()


def place(shop: ShopLog, identity: int, code: str) -> Shopper:
    """Place an order of a variant and a customer that were recorded."""
    buyer = Shopper(shop, identity, code, customer=3)
    buyer.start()
    buyer.add(identity * 10, variant=30, quantity=3, price=99)
    buyer.ship(identity, price=490)
    buyer.place(payment=identity)
    return buyer


def test_recorded_events_become_orders_that_anybody_can_read(
    worker: Worker, producer: Producer, orders: Reader, registry: str
) -> None:
    """Three orders leave, to the cent; two carts do not."""
    assert worker.process is not None
    for line in RECORDED.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        key = None if record["key"] is None else record["key"].encode()
        value = json.dumps(record["value"]).encode()
        producer.produce(record["topic"], key=key, value=value, partition=record["partition"])
    producer.flush()
    messages = orders.until(lambda seen: "JFB7Z5R9DFLQV41P" in keys(seen) and len(seen) >= 3)

    with SchemaRegistryClient({"url": registry}) as client:
        read = AvroDeserializer(client)
        context = SerializationContext(orders.topic, MessageField.VALUE)
        records: dict[str, Any] = {
            (message.key() or b"").decode(): read(message.value(), context) for message in messages
        }

    assert {
        record["source_id"]: str(record["tax_inclusive_amount"]) for record in records.values()
    } == {"1": "132.52", "2": "7.87", "5": "65.86"}
    buyer = records["JFB7Z5R9DFLQV41P"]["buyer"]
    assert buyer["electronic_mail"] == "zoe1795510670@example.com"
    assert records["JFB7Z5R9DFLQV41P"]["lines"][0]["net_price_amount"] == Decimal("0.825")


def test_a_malformed_event_is_buried_and_its_neighbour_leaves(
    worker: Worker, producer: Producer, orders: Reader, broker: str
) -> None:
    """The dead letter has the record, the reason and where it was."""
    assert worker.process is not None
    producer.produce(ORDERS, key=b"901", value=b"{broken")
    shop = ShopLog(lsn=400_000_000, number=9000)
    place(shop, 901, "AFTER-BROKEN")
    write(producer, shop)
    orders.until(lambda seen: "AFTER-BROKEN" in keys(seen))
    dead = Reader(broker, topics.dead_letters("streams.orders"))
    (letter,) = dead.until(lambda seen: len(seen) >= 1)
    dead.close()

    headers = {name: value.decode() for name, value in cast("Headers", letter.headers())}

    assert letter.value() == b"{broken"
    assert letter.key() == b"901"
    assert "not JSON" in headers["syncline.reason"]
    assert headers["syncline.topic"] == ORDERS


def test_a_worker_that_is_killed_loses_nothing(
    worker: Worker, producer: Producer, orders: Reader
) -> None:
    """Killed with half an order read, it comes back and lets it go whole; SIGTERM ends it well."""
    shop = ShopLog(lsn=500_000_000, number=9500)
    for number in range(20):
        place(shop, 910 + number, f"KILLED-{number}")
    write(producer, shop, ends=False)
    assert worker.end(signal.SIGKILL) != 0
    worker.start()
    end = json.dumps({"status": "END", "id": f"1:{shop.commits[-1][0]}"})
    producer.produce(topics.transaction("vendure"), value=end.encode())
    producer.flush()
    wanted = {f"KILLED-{number}" for number in range(20)}
    orders.until(lambda seen: wanted <= set(keys(seen)))

    assert worker.end(signal.SIGTERM) == 0


def test_a_registry_that_is_down_ends_the_worker_with_a_sentence(
    worker: Worker, registry: str
) -> None:
    """Nothing is read or committed; the supervisor tries again later."""
    lost = {**worker.environment, "SYNCLINE_REGISTRY__URL": "http://127.0.0.1:9/apis"}
    ended = subprocess.run(
        [sys.executable, "-m", "streams", "orders"],
        env=lost,
        capture_output=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )

    assert registry != lost["SYNCLINE_REGISTRY__URL"]
    assert ended.returncode == 1
    assert b"the schema registry at http://127.0.0.1:9/apis does not answer" in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_an_app_that_does_not_exist_is_refused_with_the_ones_that_do() -> None:
    """A typo in a command line is no stack trace."""
    ended = subprocess.run(
        [sys.executable, "-m", "streams", "odrers"],
        capture_output=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )

    assert ended.returncode == 1
    assert b"python -m streams orders|stock" in ended.stderr
