"""Signs of life in, the end of a stuck process out: liveness is progress, not a running loop."""

import logging
import os
import threading
from collections.abc import Callable, Hashable
from time import monotonic

log = logging.getLogger(__name__)

EXIT_STUCK = 70


def end_process(code: int) -> None:
    """Die like a SIGKILL: nothing was acknowledged that is not durable (Invariant 10)."""
    logging.shutdown()
    os._exit(code)


def end_stuck(seconds: float) -> None:
    """Say why, and die."""
    log.critical("no progress, ending the process", extra={"stuck_seconds": round(seconds, 1)})
    end_process(EXIT_STUCK)


class Watchdog:
    """
    Ends the process when there is work and nothing moved for too long.

    The event loop reports with *pulse*; the watching is done in a thread of its own, so that
    a loop that hangs is noticed as well. The thread also notices when the whole process was
    stopped: such a worker may have lost its partitions without knowing.
    """

    def __init__(
        self,
        limit: float,
        *,
        asleep: float,
        clock: Callable[[], float] = monotonic,
        end: Callable[[float], None] = end_stuck,
    ) -> None:
        self.limit = limit
        self.asleep = asleep
        self._clock = clock
        self._end = end
        self._moved = self._beat = clock()
        self._token: Hashable = None
        self._overslept = False
        self._stopped = threading.Event()

    def pulse(self, *, busy: bool, token: Hashable) -> None:
        """Say whether there is work, and a value that changes whenever some of it is done."""
        if not busy or token != self._token:
            self._moved = self._clock()
        self._token = token

    def overslept(self) -> bool:
        """Whether the process was ever stopped for as long as *asleep*."""
        if self._clock() - self._beat > self.asleep:
            self._overslept = True
        return self._overslept

    def check(self) -> None:
        """Beat, and end the process if it is stuck."""
        if self.overslept():
            self._moved = self._clock()  # it had no chance to move
        self._beat = self._clock()
        stuck = self._beat - self._moved
        if stuck > self.limit and not self._stopped.is_set():
            self._end(stuck)

    def start(self) -> None:
        """Watch from now on."""
        self._moved = self._beat = self._clock()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no longer."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(min(1.0, self.asleep / 4, self.limit / 4)):
            self.check()
