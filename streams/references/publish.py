"""
One raw topic in, one compacted reference topic out: ids and what they stand for.

Every worker follows the reference topics (`runtime.kafka.Follower`), so that a document waits
for what it refers to and not for another stream's partition.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from runtime.errors import RecordError
from streams.batch import Batch, Outbox, Record, Table
from streams.change_event import parse
from streams.dead_letter import DeadLetters
from streams.document import Cells, Document, fold, load


@dataclass(frozen=True, slots=True)
class Reference:
    """
    What the ids of one raw topic stand for.

    Attributes:
        source: The raw topic.
        topic: The reference topic.
        tables: Tables whose rows matter; other rows of the topic are passed over.
        describe: What each id of a document stands for. A row that was deleted is not in the
            document and keeps its last description: what refers to it is older than its end.
    """

    source: str
    topic: str
    tables: frozenset[str]
    describe: Callable[[Document], Mapping[int, Mapping[str, Any]]]


def publish(
    batch: Batch, out: Outbox, *, reference: Reference, table: Table, dead_letters: DeadLetters
) -> None:
    """Fold one batch, and publish what its documents now say."""
    cells = table.view(batch, out)
    touched: dict[bytes, tuple[Record, bool]] = {}
    for record in batch:
        try:
            event = parse(record.key, record.value)
            if event is None or record.key is None or event.table not in reference.tables:
                continue
            key = b"%b/%b" % (reference.topic.encode(), record.key)
            again = not fold(cells, key, event)
        except RecordError as error:
            dead_letters.send(out, batch, record, error)
        else:
            touched[key] = record, again or (key in touched and touched[key][1])
    for key, (record, again) in touched.items():
        try:
            _say(cells, out, key, reference, again=again)
        except RecordError as error:
            dead_letters.send(out, batch, record, error)
        else:
            dead_letters.good()


def _say(cells: Cells, out: Outbox, key: bytes, reference: Reference, *, again: bool) -> None:
    """
    Send what changed since it was sent last.

    A change that came *again* may have been folded just before a crash that lost what was sent:
    then everything is said once more.
    """
    document = load(cells, key)
    if document is None:
        return
    for identity, said in reference.describe(document).items():
        place = b"%b/said/%d" % (key, identity)
        if again or cells.get(place) != said:
            cells[place] = said
            value = orjson.dumps({**said, "position": document.position})
            out.send(reference.topic, key=str(identity).encode(), value=value)
