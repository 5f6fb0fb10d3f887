"""An app in, an exit code out: start, wait for a signal or an error, drain, stop."""

import asyncio
import logging
import signal

from runtime.errors import PlatformError
from streams.batch.app import BatchApp
from streams.batch.watchdog import end_process

log = logging.getLogger(__name__)

DRAIN_SECONDS = 8.0


def run(app: BatchApp) -> int:
    """
    Run until SIGTERM or SIGINT (0), or until something fails (1).

    A process that stays stuck is ended by the watchdog (70). Nothing that is not durable was
    acknowledged in any of these cases (Invariant 10).
    """
    try:
        app.check_topics()
    except PlatformError as error:
        log.critical("cannot start", extra={"reason": str(error)})
        return 1
    app.watchdog.start()
    try:
        return asyncio.run(_run(app))
    finally:
        app.watchdog.stop()


async def _run(app: BatchApp) -> int:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    starting = asyncio.create_task(app.start())
    ends = [asyncio.create_task(asked.wait()), asyncio.create_task(_end_of(app, starting))]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    failed = not asked.is_set()
    if not await _stop(app, starting):
        failed = True
    for task in ends:
        task.cancel()
    return 1 if failed or app.crashed else 0


async def _end_of(app: BatchApp, starting: "asyncio.Task[None]") -> None:
    """Return when the app failed to start, or crashed."""
    await asyncio.wait([starting])
    if starting.cancelled() or starting.exception() is not None:
        log.critical("the worker did not start", exc_info=starting.exception())
        return
    await app.wait_until_stopped()


async def _stop(app: BatchApp, starting: "asyncio.Task[None]") -> bool:
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            await app.stop()
            await app.consumer.join(DRAIN_SECONDS)
    except TimeoutError:
        log.critical("stopping took too long, ending", extra={"limit_seconds": DRAIN_SECONDS})
        end_process(1)
    starting.cancel()
    return True
