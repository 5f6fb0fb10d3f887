"""A dead letter says why and where from; too many stop the worker."""

from datetime import UTC, datetime

import pytest

from runtime.dead_letters import DeadLetterLimit, Origin, headers
from runtime.errors import FatalError, MappingError


def test_headers_say_why_and_where_from() -> None:
    """Enough to mend the cause and to replay."""
    origin = Origin("sinks.tryton.order", "canonical.order", 3, 41)
    now = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)

    found = dict(headers(origin, MappingError("no é"), now=now))

    assert found == {
        "syncline.reason": "no é".encode(),
        "syncline.error": b"MappingError",
        "syncline.group": b"sinks.tryton.order",
        "syncline.topic": b"canonical.order",
        "syncline.partition": b"3",
        "syncline.offset": b"41",
        "syncline.at": b"2026-11-24T08:00:00.000+00:00",
    }


def test_too_many_dead_letters_stop_the_worker() -> None:
    """A wrong deploy must not pour a topic into the dead letters."""
    limit = DeadLetterLimit(limit=2, window=10)
    limit.dead(MappingError("one"))
    limit.dead(MappingError("two"))

    with pytest.raises(FatalError, match="three"):
        limit.dead(MappingError("three"))


def test_old_dead_letters_are_forgotten() -> None:
    """A few bad records a day are no outage."""
    limit = DeadLetterLimit(limit=1, window=3)
    for _ in range(5):
        limit.dead(MappingError("rare"))
        for _ in range(3):
            limit.good()
