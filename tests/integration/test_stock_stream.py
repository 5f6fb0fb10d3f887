"""Captured ERP rows and shop orders in on a real broker, ``canonical.stock`` out for others."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined] # public, not marked so
    AdminClient,
    NewTopic,
)
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from runtime.producer import ConfirmingProducer, confirming
from schemas import avsc, topics

pytestmark = pytest.mark.stack

REPO = Path(__file__).parents[2]
RECORDED = [
    json.loads(line)
    for line in (REPO / "tests/golden/tryton/stock/recorded.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
MOVES, SALES = topics.raw("tryton", "stock-move"), topics.raw("tryton", "sale")
ORDERS, STOCK = topics.canonical("order"), topics.canonical("stock")
PRODUCTS, LOCATIONS = topics.reference("tryton", "product"), topics.reference("tryton", "location")
LETTERS = topics.dead_letters("streams.stock")
ORDER = "JFB7Z5R9DFLQV41P"  # the order that the recorded sale is for


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for *condition*, or say what did not happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)  # between looks at the condition, never instead of one


@dataclass
class Lab:
    """The app's topics, newly made; its worker; and what an outsider reads of it."""

    brokers: str
    registry: str
    work: Path
    newest: dict[str, dict[str, Any]] = field(default_factory=dict)
    letters: list[tuple[bytes | None, dict[str, bytes]]] = field(default_factory=list)
    worker: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.make_topics()
        self.producer: ConfirmingProducer = confirming(self.brokers)
        self.client = SchemaRegistryClient({"url": self.registry})
        self.serializer = AvroSerializer(self.client, json.dumps(avsc.schema("order")))
        self.deserializer = AvroDeserializer(self.client)
        self.consumer = Consumer(
            {
                "bootstrap.servers": self.brokers,
                "group.id": uuid.uuid4().hex,
                "auto.offset.reset": "earliest",
            }
        )
        self.consumer.assign(
            [
                TopicPartition(topic, number, OFFSET_BEGINNING)
                for topic in (STOCK, LETTERS)
                for number in range(topics.PARTITIONS)
            ]
        )

    def make_topics(self) -> None:
        """Other tests of the session may have used the same names: begin with empty topics."""
        admin = AdminClient({"bootstrap.servers": self.brokers})
        wanted = [MOVES, SALES, ORDERS, STOCK, PRODUCTS, LOCATIONS, LETTERS, topics.DEMAND]

        def there() -> set[str]:
            found = admin.list_topics(timeout=10).topics
            return {name for name in found if name in wanted or name.startswith("streams.stock-")}

        if there():
            for gone in admin.delete_topics(sorted(there())).values():
                gone.result(30)
            until(lambda: not there(), 30, "old topics are gone")
            forget(admin)
        new = [NewTopic(name, topics.PARTITIONS, 1) for name in wanted]
        for made in admin.create_topics(new).values():
            made.result(30)
        until(lambda: there() == set(wanted), 30, "new topics are there")

    def put(self, topic: str, key: str, value: bytes) -> None:
        """Write one record."""
        self.producer.send(topic, key=key.encode(), value=value)

    def replay(self, topic: str, *, start: int = 0, end: int | None = None) -> None:
        """Write what was captured of *topic*."""
        for event in [each for each in RECORDED if each["topic"] == topic][start:end]:
            self.put(topic, event["key"], orjson.dumps(event["value"]))
        assert not self.producer.flush()

    def locate(self) -> None:
        """Write the references: locations as captured, and two products."""
        for event in [each for each in RECORDED if each["topic"] == "cdc.tryton.location"]:
            row = event["value"]["after"]
            said = {**row, "storage": row["storage_location"]}
            self.put(LOCATIONS, event["key"], orjson.dumps(said))
        self.name("30", "ALL-LONG")
        self.name("39", "LIV-PETITP-REL")

    def name(self, product: str, sku: str) -> None:
        """Let *product* go by *sku*."""
        self.put(PRODUCTS, product, orjson.dumps({"sku": sku, "active": True, "type": "goods"}))

    def order(
        self, code: str, position: int, wants: dict[str, int], status: str = "placed"
    ) -> None:
        """Place or change an order."""
        context = SerializationContext(ORDERS, MessageField.VALUE)
        value = self.serializer(order(code, position, status, wants), context)
        assert value is not None
        self.put(ORDERS, code, value)

    def start(self) -> None:
        """Start a worker as people do."""
        environment = {
            **os.environ,
            "SYNCLINE_KAFKA__BOOTSTRAP": self.brokers,
            "SYNCLINE_REGISTRY__URL": self.registry,
            "SYNCLINE_STREAMS__DATA_DIR": str(self.work),
            "SYNCLINE_STREAMS__SESSION_TIMEOUT_SECONDS": "6",
            "SYNCLINE_CONFIG": str(self.work / "none.toml"),
        }
        command = [sys.executable, "-m", "streams", "stock"]
        self.worker = subprocess.Popen(command, cwd=REPO, env=environment)

    def end(self, number: signal.Signals) -> int:
        """End the worker with a signal; give its exit code."""
        if self.worker is None:
            return 0
        self.worker.send_signal(number)
        code = self.worker.wait(15)
        self.worker = None
        return code

    def read(self) -> bool:
        """Read on, as anybody with the registry's address would; says whether letters came."""
        for message in self.consumer.consume(200, timeout=0.1):
            assert message.error() is None
            if message.topic() == LETTERS:
                headers: Any = message.headers() or []
                self.letters.append((message.value(), dict(headers)))
            else:
                context = SerializationContext(STOCK, MessageField.VALUE)
                key = (message.key() or b"").decode()
                self.newest[key] = self.deserializer(message.value() or b"", context)
        return bool(self.letters)

    def expect(self, key: str, **parts: int) -> None:
        """Wait until the newest record of *key* says so."""

        def said() -> bool:
            self.read()
            stock = self.newest.get(key, {})
            return all(stock.get(name) == Decimal(parts[name]) for name in parts)

        try:
            until(said, 30, f"{key} says {parts}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it says {self.newest.get(key)}") from error

    def close(self) -> None:
        """Leave nothing running."""
        self.end(signal.SIGKILL)
        self.client.close()
        self.consumer.close()
        self.producer.close()


def forget(admin: AdminClient) -> None:
    """Remove the app's consumer group, where there is one."""
    for done in admin.delete_consumer_groups(["streams.stock"]).values():
        with suppress(KafkaException):  # there is none
            done.result(30)


def order(code: str, position: int, status: str, wants: dict[str, int]) -> dict[str, Any]:
    """Make a canonical order, whole enough for its schema."""
    cent, percent = Decimal("1.00"), Decimal("20.0000")
    address = {
        "name": "Zoé",
        "company": None,
        "street_name": "1 rue A",
        "additional_street_name": None,
        "city_name": "Lyon",
        "postal_zone": "69001",
        "country_subentity": None,
        "country_code": "FR",
        "telephone": None,
    }
    line = {
        "unit_code": "C62",
        "gross_price_amount": cent,
        "net_price_amount": cent,
        "line_extension_amount": cent,
        "tax_percent": percent,
        "tax_amount": cent,
        "tax_inclusive_amount": cent,
        "allowances": [],
    }
    return {
        "source": {
            "system": "vendure",
            "table": "order",
            "position": position,
            "transaction": str(position),
            "commit_time": datetime.now(UTC),
        },
        "id": code,
        "source_id": "1",
        "status": status,
        "issued_at": datetime.now(UTC),
        "document_currency_code": "EUR",
        "buyer": {
            "id": "1",
            "name": "Zoé",
            "electronic_mail": "zoe@example.com",
            "telephone": None,
            "registered": False,
        },
        "billing_address": address,
        "delivery_address": address,
        "lines": [
            {**line, "id": sku, "sku": sku, "quantity": Decimal(quantity)}
            for sku, quantity in wants.items()
        ],
        "charges": [],
        "payments": [],
        "line_extension_amount": cent,
        "charge_total_amount": cent,
        "tax_exclusive_amount": cent,
        "tax_amount": cent,
        "tax_inclusive_amount": cent,
    }


@pytest.fixture
def lab(kafka: str, registry: str, tmp_path: Path) -> Iterator[Lab]:
    """A lab without a worker yet."""
    made = Lab(kafka, registry, tmp_path)
    yield made
    made.close()


def test_a_web_order_and_a_receipt_are_promised_once_through_kills(lab: Lab) -> None:
    """From the order to its moves, a worker killed in between: the record is a recount's."""
    lab.locate()
    lab.replay(MOVES, end=-7)  # the snapshot, before the order's own moves
    lab.start()
    lab.expect("ALL-LONG@WH", available=1498, on_hand=1500, committed=2, web_waiting=0)
    lab.order(ORDER, 1, {"ALL-LONG": 1, "LIV-PETITP-REL": 3})
    lab.expect("ALL-LONG@WH", available=1497, on_hand=1500, committed=2, web_waiting=1)
    lab.replay(SALES)
    lab.expect("LIV-PETITP-REL@WH", available=71, on_hand=80, committed=6, web_waiting=3)

    lab.end(signal.SIGKILL)
    lab.replay(MOVES)  # as Connect does after a crash: all of it again, then what is new
    lab.start()
    lab.expect("ALL-LONG@WH", available=1502, on_hand=1505, committed=3, web_waiting=0, web_open=1)
    lab.expect("LIV-PETITP-REL@WH", available=71, on_hand=80, committed=9, web_waiting=0)
    shelves = {each["code"]: each for each in lab.newest["ALL-LONG@WH"]["locations"]}

    assert {code: shelf["on_hand"] for code, shelf in shelves.items()} == {
        "RAY-A": 305,
        "RESERVE": 1200,
        "STO": 0,
    }
    assert lab.newest["ALL-LONG@WH"]["source"]["system"] in {"tryton", "vendure"}
    assert lab.end(signal.SIGTERM) == 0
    assert not lab.letters


def test_what_is_malformed_or_unknown_holds_up_nothing(lab: Lab) -> None:
    """A broken event, a product without a SKU, an order for a SKU that nobody has."""
    lab.locate()
    lab.start()
    lab.put(MOVES, "30", b'{"op":"c"}')
    lab.order("W1", 1, {"MUG": 2})
    lab.order("W2", 2, {"ALL-LONG": 4})
    lab.replay(MOVES, end=-7)
    lab.expect("ALL-LONG@WH", available=1494, on_hand=1500, committed=2, web_waiting=4)
    until(lab.read, 30, "the dead letter arrives")
    value, headers = lab.letters[0]

    assert value == b'{"op":"c"}'
    assert headers["syncline.reason"].startswith(b"source: expected an object")
    assert headers["syncline.topic"] == MOVES.encode()

    lab.name("77", "MUG")
    lab.expect("MUG@WH", available=-2, on_hand=0, web_waiting=2)
    lab.order("W2", 3, {"ALL-LONG": 4}, "cancelled")
    lab.expect("ALL-LONG@WH", available=1498, web_waiting=0, web_open=0)
    lab.name("30", "ALL-SHORT")
    lab.expect("ALL-SHORT@WH", available=1498)
    lab.expect("ALL-LONG@WH", available=0, on_hand=0, committed=0)

    assert lab.end(signal.SIGTERM) == 0
