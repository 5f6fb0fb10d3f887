"""Keys and values in, records out: what the broker would have kept."""

from dataclasses import dataclass

from streams.batch import Headers


@dataclass(frozen=True)
class FakeRecord:
    """A record that no broker has seen."""

    key: bytes | None
    value: bytes | None
    offset: int = 0
    timestamp: int = 0
    headers: Headers = ()
