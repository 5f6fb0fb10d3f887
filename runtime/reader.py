"""A topic to read in, a thread that can be waited for, stopped and asked how it is out."""

import threading
from abc import ABC, abstractmethod

from confluent_kafka import KafkaException

from runtime.errors import ConfigurationError, UnavailableError


class Reader(ABC):
    """
    Reads *topic* in a thread of its own until `stop`.

    An error ends the thread, not the process: whoever needs what was read hears of it from
    `check`, because stale values would be silent.
    """

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self._caught_up = threading.Event()
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"read-{topic}", daemon=True)

    @abstractmethod
    def _read(self) -> None:
        """Read until `_stop` is set; set `_caught_up` once what was there at first is read."""

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading; what was read stays."""
        self._stop.set()
        self._thread.join(timeout=10)

    def check(self) -> None:
        """Raise what stopped the thread, if anything did."""
        if self._failure is not None:
            raise UnavailableError(
                f"reading {self.topic} stopped: {self._failure}"
            ) from self._failure

    def wait_until_caught_up(self, timeout: float = 60) -> None:
        """Block until the topic, as it was at the start, has been read."""
        if not self._caught_up.wait(timeout):
            self.check()
            raise UnavailableError(f"{self.topic} was not read within {timeout:g} s; is Kafka up?")
        self.check()

    def _run(self) -> None:
        try:
            self._read()
        except (KafkaException, ConfigurationError, ValueError, TypeError, KeyError) as error:
            self._failure = error
            self._caught_up.set()
