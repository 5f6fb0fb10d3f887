"""A Kafka message, stripped to what processors and sinks need."""

from dataclasses import dataclass
from typing import Generic, TypeVar

V_co = TypeVar("V_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Message(Generic[V_co]):
    """One record on one partition; *value* is None for a tombstone."""

    topic: str
    partition: int
    offset: int
    key: str
    value: V_co | None
