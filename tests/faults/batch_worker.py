"""
Settings in, a worker that counts out: the program that the fault tests kill.

Each input record leaves one output that names where it came from, and adds to its key's count
in a table; the value keeps the last offset that counted, so that a replay re-emits and does
not count twice.
"""

import asyncio
import logging
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from runtime.producer import confirming
from streams.batch import RAW, Batch, BatchApp, Outbox, Reading, Table, run


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts each record once, and says that it was seen: at once, or in a later sweep."""

    output: str
    counts: Table
    held: Table
    hold: bool = False
    poison: bytes | None = None

    def fold(self, batch: Batch, out: Outbox) -> None:
        """Count the records of one batch."""
        view, held = self.counts.view(batch, out), self.held.view(batch, out)
        for record in batch:
            if self.poison is not None and record.value == self.poison:
                raise ValueError(f"cannot read {record.value!r}")
            key = record.key or b""
            count, seen = view.get(key, [0, -1])
            if seen < record.offset:
                view[key] = [count + 1, record.offset]
            origin = b"%s:%d:%d" % (batch.topic.encode(), batch.partition, record.offset)
            if self.hold:
                held[origin] = key
            else:
                out.send(self.output, key=key, value=origin)

    def release(self, partition: int, out: Outbox) -> None:
        """Say that the records held so far were seen."""
        held = self.held.view(partition, out)
        for origin, key in held.items():
            out.send(self.output, key=key, value=origin)
            del held[origin]


def build(settings: dict[str, Any]) -> BatchApp:
    """Wire one counting app."""
    reading = Reading(
        brokers=settings["brokers"],
        datadir=Path(settings["datadir"]),
        partitions=settings["partitions"],
        batch_max=settings.get("batch_max", 1000),
        session_timeout=settings.get("session_timeout", 6.0),
        instance=settings.get("instance", ""),
        stuck_after=settings.get("stuck_after", 60.0),
    )
    app = BatchApp(settings["name"], reading, producer=confirming(settings["brokers"]))
    counter = Counter(
        settings["output"],
        counts=app.batch_table("counts"),
        held=app.batch_table("held", codec=RAW),
        hold=settings.get("hold", False),
        poison=settings["poison"].encode() if "poison" in settings else None,
    )

    @app.batch_agent(*settings["inputs"], tables=[counter.counts, counter.held])
    async def count(batch: Batch, out: Outbox) -> None:
        counter.fold(batch, out)
        time.sleep(settings.get("hang", 0))  # noqa: ASYNC251 - a loop that hangs is what is tested
        await asyncio.sleep(settings.get("slow", 0))

    if counter.hold:
        app.sweep(every=0.05, tables=[counter.held])(counter.release)
    return app


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    raise SystemExit(run(build(orjson.loads(sys.argv[1]))))
