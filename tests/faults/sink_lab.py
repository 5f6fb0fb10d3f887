"""A broker in; real sink workers on it, small targets that fail on cue, and what was left out."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import httpx
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from runtime.admin import Admin, TopicFacts
from runtime.avro import AvroCodec
from runtime.kafka import Cluster
from schemas import topics

REPO = Path(__file__).parents[2]
T = TypeVar("T")
Handler = Callable[[httpx.Request], httpx.Response]


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for *condition*, or say what did not happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.02)  # between looks at the condition, never instead of one


def answered(ask: Callable[[], T]) -> T:
    """Ask until Kafka answers: a topic is new, or its broker has just been killed."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return ask()
        except KafkaException:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)  # between two questions


class Hang(Exception):  # noqa: N818 - a cue, not an error
    """Raised by a handler that gives no answer at all."""


@contextmanager
def served(handler: Handler, port: int = 0) -> Iterator[str]:
    """Answer HTTP on a loopback port with *handler*; one request at a time sees its state."""
    turn = threading.Lock()
    released = threading.Event()

    class Adapter(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = f"http://{self.headers['Host']}{self.path}"
            request = httpx.Request(
                self.command, url, headers=dict(self.headers.items()), content=body
            )
            try:
                with turn:
                    answer = handler(request)
            except Hang:
                released.wait(60)
                self.close_connection = True
                return
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() != "content-length":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815 - the library calls by name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A worker that was killed does not wait for its answer."""

    server = Server(("127.0.0.1", port), Adapter)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass(slots=True)
class FakeRegistry:
    """A schema registry's HTTP API, and the same in this process for the tests' own codecs."""

    numbers: dict[str, int] = field(default_factory=dict)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        path = request.url.path
        if request.method == "PUT":
            return httpx.Response(200, json={})
        if request.method == "POST":
            schema = json.loads(json.loads(request.content)["schema"])
            return httpx.Response(200, json={"id": self.register(path, schema)})
        return httpx.Response(
            200, json={"schema": json.dumps(self.schema(int(path.split("/")[-1])))}
        )

    def register(self, _subject: str, schema: dict[str, Any]) -> int:
        """Number a schema."""
        return self.numbers.setdefault(json.dumps(schema, sort_keys=True), len(self.numbers) + 1)

    def schema(self, schema_id: int) -> dict[str, Any]:
        """The schema with this number."""
        (text,) = [text for text, number in self.numbers.items() if number == schema_id]
        schema: dict[str, Any] = json.loads(text)
        return schema


@dataclass(slots=True)
class SinkLab:
    """Topics, records in, workers to start and kill, ledger and dead letters out."""

    kafka: str
    entity: str
    group: str
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    environment: dict[str, str] = field(default_factory=dict)
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    _producer: Producer = field(init=False)
    _codec: AvroCodec = field(init=False)
    _ledger: AvroCodec = field(init=False)

    def __post_init__(self) -> None:
        names = (self.topic, topics.LEDGER, topics.dead_letters(self.group))
        Admin.connect(Cluster(self.kafka)).create({name: TopicFacts(4, {}) for name in names})
        self._producer = Producer({"bootstrap.servers": self.kafka})
        self._codec = AvroCodec(self.registry, self.topic, self.entity)
        self._ledger = AvroCodec(self.registry, topics.LEDGER, "ledger")
        # Numbers are given in this order wherever a schema is first seen.
        self._codec.register()
        self._ledger.register()

    @property
    def topic(self) -> str:
        """Where the records are."""
        return topics.canonical(self.entity)

    def send(self, records: Mapping[str, Any]) -> None:
        """Put canonical records into the log."""
        for key, record in records.items():
            self._producer.produce(self.topic, key=key, value=self._codec.encode(record))
        assert self._producer.flush(10) == 0

    def start(self, target: str) -> "subprocess.Popen[bytes]":
        """Start one worker."""
        environment = {
            **os.environ,
            "SYNCLINE_CONFIG": str(REPO / "syncline.toml"),
            "SYNCLINE_KAFKA__BOOTSTRAP": self.kafka,
            **self.environment,
        }
        argv = [sys.executable, "-m", "sinks", target]
        worker = subprocess.Popen(argv, cwd=REPO, env=environment)
        self.workers.append(worker)
        return worker

    def kill(self, worker: "subprocess.Popen[bytes]") -> None:
        """SIGKILL, and be sure that it is gone."""
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)

    def close(self) -> None:
        """Leave nothing running; a worker that leaves its group makes room at once."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            try:
                worker.wait(10)
            except subprocess.TimeoutExpired:
                self.kill(worker)

    def ledger(self) -> list[dict[str, Any]]:
        """Every ledger entry so far, of this lab's entity."""
        entries = [self._ledger.decode(value) for _, value, _ in self._all(topics.LEDGER)]
        return [entry for entry in entries if entry["entity"] == self.entity]

    def written(self) -> dict[str, list[str]]:
        """Outcomes in the ledger, by key."""
        outcomes: dict[str, list[str]] = {}
        for entry in self.ledger():
            outcomes.setdefault(entry["key"], []).append(entry["outcome"])
        return outcomes

    def dead(self) -> dict[str, str]:
        """Reasons of the dead letters, by key."""
        return {
            key.decode(): headers["syncline.reason"]
            for key, _, headers in self._all(topics.dead_letters(self.group))
        }

    def lag(self) -> int:
        """Records that are not committed yet."""
        consumer = Consumer({"bootstrap.servers": self.kafka, "group.id": self.group})
        places = [TopicPartition(self.topic, number) for number in range(4)]
        committed = answered(lambda: consumer.committed(places, timeout=10))
        ends = [self._end(consumer, place) for place in places]
        consumer.close()
        return sum(end - max(one.offset, 0) for end, one in zip(ends, committed, strict=True))

    def _end(self, consumer: Consumer, place: TopicPartition) -> int:
        return answered(lambda: consumer.get_watermark_offsets(place, timeout=10))[1]

    def _all(self, topic: str) -> Iterator[tuple[bytes, bytes, dict[str, str]]]:
        """Everything in *topic* now."""
        consumer = Consumer({"bootstrap.servers": self.kafka, "group.id": "sink-lab"})
        places = [TopicPartition(topic, number, 0) for number in range(4)]
        left = sum(self._end(consumer, place) for place in places)
        consumer.assign(places)
        while left:
            for message in consumer.consume(left, timeout=1):
                pairs: dict[str, Any] = dict(message.headers() or [])
                key, value = message.key(), message.value()
                assert isinstance(key, bytes)
                assert isinstance(value, bytes)
                left -= 1
                yield key, value, {name: text.decode() for name, text in pairs.items()}
        consumer.close()
