"""Records survive the registry's wire format, and money is never rounded on the way."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from confluent_kafka.schema_registry import (
    Schema,
    SchemaRegistryClient,
    topic_subject_name_strategy,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from runtime.avro import AvroCodec
from runtime.errors import MappingError
from schemas import avsc
from schemas.records import Stock

STOCK: Stock = {
    "source": {
        "system": "tryton",
        "table": "stock_move",
        "position": 431690920,
        "transaction": "17147",
        "commit_time": datetime(2026, 11, 24, 8, 0, 0, 123456, tzinfo=UTC),
    },
    "sku": "BOL-GRES-VER",
    "location": "WH",
    "unit_code": "C62",
    "available": Decimal("97.0000"),
    "on_hand": Decimal("100.0000"),
    "committed": Decimal("3.0000"),
    "web_waiting": Decimal("0.0000"),
    "safety_stock": Decimal("0.0000"),
    "web_open": Decimal("3.0000"),
    "locations": [
        {"code": "RAY-A", "on_hand": Decimal("100.0000"), "committed": Decimal("3.0000")}
    ],
}


class FakeRegistry:
    """Numbers schemas in the order in which they come."""

    def __init__(self) -> None:
        self.subjects: dict[str, int] = {}
        self.schemas: dict[int, dict[str, Any]] = {}

    def register(self, subject: str, schema: dict[str, Any]) -> int:
        number = self.subjects.setdefault(subject, len(self.subjects) + 1)
        self.schemas[number] = schema
        return number

    def schema(self, schema_id: int) -> dict[str, Any]:
        return self.schemas[schema_id]


@pytest.fixture(name="codec")
def _codec() -> AvroCodec:
    return AvroCodec(FakeRegistry(), "canonical.stock", "stock")


def test_a_record_reads_back_as_it_was_written(codec: AvroCodec) -> None:
    """Decimals, times and nested records come back equal."""
    assert codec.decode(codec.encode(STOCK)) == STOCK


def test_confluent_s_own_deserializer_reads_our_bytes(codec: AvroCodec) -> None:
    """The wire format is the registry's, so any client of it can read the topics."""
    client = SchemaRegistryClient.new_client({"url": "mock://registry"})
    number = client.register_schema(
        "canonical.stock-value", Schema(json.dumps(avsc.schema("stock")), "AVRO")
    )
    data = b"\x00" + number.to_bytes(4, "big") + codec.encode(STOCK)[5:]
    deserialize = AvroDeserializer(
        client, conf={"subject.name.strategy": topic_subject_name_strategy}
    )

    read = deserialize(data, SerializationContext("canonical.stock", MessageField.VALUE))

    assert read == STOCK


def test_subjects_follow_the_topic_name(codec: AvroCodec) -> None:
    """TopicNameStrategy: one subject per topic."""
    codec.encode(STOCK)

    assert isinstance(codec.registry, FakeRegistry)
    assert codec.registry.subjects == {"canonical.stock-value": 1}


@pytest.mark.parametrize(
    ("field", "value"),
    [("available", Decimal("0.00001")), ("sku", None), ("available", 1.5), ("locations", None)],
)
def test_a_record_that_does_not_fit_is_refused(codec: AvroCodec, field: str, value: Any) -> None:
    """Nothing is rounded, guessed or left out."""
    record: Any = STOCK | {field: value}

    with pytest.raises(MappingError, match="does not fit its schema"):
        codec.encode(record)


@pytest.mark.parametrize("data", [b"", b"{}", b"\x00\x00\x00\x00\x01", b"\x01\x00\x00\x00\x01rest"])
def test_bytes_of_another_format_are_refused(codec: AvroCodec, data: bytes) -> None:
    """A record that somebody else put there is a record error, not a crash."""
    codec.register()

    with pytest.raises(MappingError):
        codec.decode(data)
