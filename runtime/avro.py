"""
Canonical records in, bytes in the registry's wire format out, and back.

The format is Confluent's: a zero byte, the schema's id in four bytes, the Avro body
(https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/).
"""

import io
import struct
from dataclasses import dataclass, field
from typing import Any, Protocol

import fastavro
from fastavro.types import Schema

from runtime.errors import MappingError
from schemas import avsc

MAGIC = 0
PREFIX = struct.Struct(">bI")


class Registry(Protocol):
    """Where schemas have numbers."""

    def register(self, subject: str, schema: dict[str, Any]) -> int:
        """Return the id of *schema* under *subject*, registering it if it is new."""

    def schema(self, schema_id: int) -> dict[str, Any]:
        """Return the schema that has this id."""


@dataclass(slots=True)
class AvroCodec:
    """
    Encodes and decodes the records of one topic.

    Registers on first use, under TopicNameStrategy (``<topic>-value``). Encoding raises
    MappingError with the field that does not fit; money that has more digits than its schema
    is refused, never rounded (Invariant 8).
    """

    registry: Registry
    topic: str
    name: str
    _id: int | None = None
    _schema: Schema = field(init=False)
    _writers: dict[int, Schema] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._schema = fastavro.parse_schema(avsc.schema(self.name))

    def register(self) -> int:
        """Agree with the registry on this topic's schema; return its id."""
        if self._id is None:
            self._id = self.registry.register(f"{self.topic}-value", avsc.schema(self.name))
        return self._id

    def encode(self, record: Any) -> bytes:
        """Write one record."""
        out = io.BytesIO()
        out.write(PREFIX.pack(MAGIC, self.register()))
        try:
            fastavro.schemaless_writer(out, self._schema, record, strict=True)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise MappingError(
                f"{self.name}: the record does not fit its schema: {error}"
            ) from error
        return out.getvalue()

    def decode(self, data: bytes) -> Any:
        """Read one record, whatever compatible version wrote it."""
        if len(data) < PREFIX.size or data[0] != MAGIC:
            raise MappingError(f"{self.topic}: not a registry-framed Avro record: {data[:8]!r}")
        _, schema_id = PREFIX.unpack_from(data)
        if schema_id not in self._writers:
            self._writers[schema_id] = fastavro.parse_schema(self.registry.schema(schema_id))
        body = io.BytesIO(data[PREFIX.size :])
        try:
            return fastavro.schemaless_reader(body, self._writers[schema_id], self._schema)
        except (ValueError, TypeError, KeyError, EOFError, IndexError, StopIteration) as error:
            raise MappingError(f"{self.topic}: the Avro body cannot be read: {error}") from error
