"""
A target's name in, a running sink worker out: ``python -m sinks tryton|vendure``.

Exit code 0 after SIGTERM or SIGINT, 1 after an error that only a person, or a new start, can mend.
"""

import argparse
import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack
from typing import Any

from runtime import logs
from runtime.avro import AvroCodec
from runtime.dead_letters import DeadLetterLimit
from runtime.errors import FatalError, PlatformError
from runtime.inbox import Inbox
from runtime.metrics import Metrics
from runtime.producer import confirming
from runtime.publisher import Publisher
from runtime.registry import SchemaRegistry
from runtime.retry import Backoff
from runtime.settings import Settings, load
from schemas import topics
from sinks.targets import TARGETS
from sinks.worker import Limits, Worker

log = logging.getLogger("sinks")


def main() -> int:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m sinks", description=__doc__)
    parser.add_argument("target", choices=sorted(TARGETS), help="the system to write to")
    target = parser.parse_args().target
    logs.set_up()
    try:
        asyncio.run(run(target, load()))
    except FatalError as error:
        log.critical("stopped", extra={"target": target, "reason": str(error)})
        return 1
    return 0


async def run(target: str, settings: Settings) -> None:
    """Wire one target's routes and deliver them until a signal comes."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    metrics = Metrics()
    if settings.sinks.metrics_port is not None:
        metrics.serve(settings.sinks.metrics_port)
    registry = SchemaRegistry(settings.registry.url)
    producer = confirming(settings.kafka.bootstrap, settings.kafka.security)
    async with AsyncExitStack() as closing:
        closing.callback(producer.close)
        routes = TARGETS[target](settings, registry, closing)
        ledger = AvroCodec(registry, topics.LEDGER, "ledger")
        if not await _agree(ledger, stop):
            return
        workers = [
            Worker(
                route=route,
                inbox=Inbox(
                    settings.kafka.cluster,
                    group=route.group,
                    topic=topics.canonical(route.entity),
                    client_id=route.group,
                ),
                publish=Publisher(producer),
                encode_ledger=ledger.encode,
                limits=limits(settings),
                metrics=metrics,
            )
            for route in routes
        ]
        log.info("started", extra={"target": target, "groups": [one.group for one in routes]})
        await _deliver(workers, stop)
    log.info("stopped", extra={"target": target})


def limits(settings: Settings) -> Limits:
    """What the file says of dead letters; the rest is as the worker has it."""
    return Limits(
        dead_letters=DeadLetterLimit(
            settings.sinks.dead_letter_limit, settings.sinks.dead_letter_window
        )
    )


async def _agree(ledger: AvroCodec, stop: asyncio.Event) -> bool:
    """Wait until the registry has numbered the ledger's schema; False when told to stop first."""

    async def register() -> int:
        return await asyncio.to_thread(ledger.register)

    def tell(attempt: int, error: PlatformError) -> None:
        log.warning("waiting", extra={"attempt": attempt, "reason": str(error)})

    agreed = asyncio.create_task(Backoff(ceiling=5.0, on_retry=tell)(register))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({agreed, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not agreed.done():
        agreed.cancel()
        return False
    await agreed
    return True


async def _deliver(workers: list[Worker[Any]], stop: asyncio.Event) -> None:
    """Run all; the first that fails stops the others, which drain."""
    tasks = [asyncio.create_task(worker.run(stop)) for worker in workers]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        stop.set()
        await asyncio.wait(tasks)
    for task in tasks:
        await task


if __name__ == "__main__":
    sys.exit(main())
