"""
A record given up on in, the headers of its dead letter out.

A dead letter is the record's own bytes under its own key, on ``dlt.<group>``, with why and
from where in the headers; so it can be read, mended at its cause, and replayed through the
same code. Too many of them mean that the deploy is broken, not the data: `DeadLetterLimit`.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from runtime.errors import FatalError, RecordError

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Origin:
    """Which record it was, and who gave up on it."""

    group: str
    topic: str
    partition: int
    offset: int


def headers(origin: Origin, error: RecordError, *, now: datetime | None = None) -> Headers:
    """Why, and where from; every value is UTF-8 text."""
    pairs = {
        "syncline.reason": str(error),
        "syncline.error": type(error).__name__,
        "syncline.group": origin.group,
        "syncline.topic": origin.topic,
        "syncline.partition": str(origin.partition),
        "syncline.offset": str(origin.offset),
        "syncline.at": (now or datetime.now(UTC)).isoformat(timespec="milliseconds"),
    }
    return [(name, text.encode()) for name, text in pairs.items()]


@dataclass(slots=True)
class DeadLetterLimit:
    """
    At most *limit* dead letters among the last *window* records.

    Past it the worker stops with a FatalError: a wrong deploy must not pour a topic into the
    dead letters.
    """

    limit: int
    window: int
    _outcomes: deque[bool] = field(default_factory=deque)

    def good(self) -> None:
        """Note a record that was applied."""
        self._note(dead=False)

    def dead(self, error: RecordError) -> None:
        """Note a dead letter; raises FatalError when there are too many."""
        self._note(dead=True)
        if sum(self._outcomes) > self.limit:
            raise FatalError(
                f"more than {self.limit} of the last {self.window} records became dead letters;"
                f" stopped so that the rest stays where it is. The newest reason: {error}"
            )

    def _note(self, *, dead: bool) -> None:
        self._outcomes.append(dead)
        while len(self._outcomes) > self.window:
            self._outcomes.popleft()
