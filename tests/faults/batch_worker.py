"""
Settings in, a worker that counts out: the program that the fault tests kill.

Each input record leaves one output that names where it came from, and adds to its key's count
in a table; the value keeps the last offset that counted, so that a replay re-emits and does
not count twice.
"""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

import orjson

from runtime.producer import confirming
from streams.batch import Batch, BatchApp, Outbox, Reading, Table, run


def fold(batch: Batch, out: Outbox, *, counts: Table, output: str, poison: bytes | None) -> None:
    """Count each record once, and say that it was seen."""
    view = counts.view(batch, out)
    for record in batch:
        if poison is not None and record.value == poison:
            raise ValueError(f"cannot read {poison!r}")
        key = record.key or b""
        count, seen = view.get(key, [0, -1])
        if seen < record.offset:
            view[key] = [count + 1, record.offset]
        origin = b"%s:%d:%d" % (batch.topic.encode(), batch.partition, record.offset)
        out.send(output, key=key, value=origin)


def build(settings: dict[str, Any]) -> BatchApp:
    """Wire one counting app."""
    reading = Reading(
        brokers=settings["brokers"],
        datadir=Path(settings["datadir"]),
        batch_max=settings.get("batch_max", 1000),
        session_timeout=settings.get("session_timeout", 6.0),
        stuck_after=settings.get("stuck_after", 60.0),
        read_committed=settings.get("read_committed", True),
    )
    producer = confirming(settings["brokers"], **settings.get("producer", {}))
    app = BatchApp(settings["name"], reading, producer=producer)
    counts = app.batch_table("counts")
    poison = settings.get("poison")

    @app.batch_agent(*settings["inputs"], tables=[counts])
    async def count(batch: Batch, out: Outbox) -> None:
        fold(
            batch,
            out,
            counts=counts,
            output=settings["output"],
            poison=None if poison is None else poison.encode(),
        )
        if settings.get("slow"):
            await asyncio.sleep(settings["slow"])

    return app


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    raise SystemExit(run(build(orjson.loads(sys.argv[1]))))
