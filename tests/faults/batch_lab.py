"""A broker in, a counting worker to kill and a recount of everything it left out."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import psutil
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

WORKER = Path(__file__).with_name("batch_worker.py")
REPO = WORKER.parents[2]


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for *condition*, or say what did not happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)  # between looks at the condition, never instead of one


@dataclass
class Recount:
    """
    What came out, against what went in.

    Attributes:
        missing: Inputs that no output names.
        wrong: Keys whose count in the table is not the number of their inputs.
        duplicates: Outputs beyond the first per input.
    """

    inputs: int
    missing: int
    wrong: int
    duplicates: int


@dataclass
class Lab:
    """One app on one broker: its topics, its workers, its recount."""

    brokers: str
    work: Path
    name: str = field(default_factory=lambda: f"batch-{uuid.uuid4().hex[:8]}")
    partitions: int = 4
    inputs: tuple[str, ...] = ("in",)
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.topics = [f"{self.name}-{topic}" for topic in self.inputs]
        self.output = f"{self.name}-out"
        self.admin = AdminClient({"bootstrap.servers": self.brokers})
        self.watcher = watcher(self.brokers, self.name)
        self.make(*self.topics, self.output)

    def make(self, *topics: str, partitions: int | None = None, **config: str) -> None:
        """Create topics."""
        new = [
            NewTopic(
                topic,
                num_partitions=partitions or self.partitions,
                replication_factor=1,
                config={key.replace("_", "."): value for key, value in config.items()},
            )
            for topic in topics
        ]
        for made in self.admin.create_topics(new).values():
            made.result(30)

    def fill(self, count: int, *, keys: int = 200, topic: str | None = None, at: int = 0) -> None:
        """Write *count* records."""
        producer = Producer(
            {"bootstrap.servers": self.brokers, "queue.buffering.max.messages": 1_000_000}
        )
        for number in range(at, at + count):
            producer.produce(
                topic or self.topics[0],
                key=b"key-%d" % (number * 7919 % keys),
                value=b"%d" % number,
            )
        producer.flush(60)

    def start(self, **settings: Any) -> "subprocess.Popen[bytes]":
        """Start a worker."""
        number = len(self.workers)
        wanted = {
            "brokers": self.brokers,
            "datadir": str(self.work / f"data-{number}"),
            "name": self.name,
            "inputs": self.topics,
            "output": self.output,
            "partitions": self.partitions,
            **settings,
        }
        with (self.work / f"{self.name}-{number}.log").open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, str(WORKER), orjson.dumps(wanted).decode()],
                cwd=REPO,
                env={**os.environ, "PYTHONPATH": str(REPO)},
                stdout=log,
                stderr=log,
            )
        self.workers.append(worker)
        return worker

    def log(self, number: int = -1) -> str:
        """Read what a worker wrote."""
        at = number % len(self.workers)
        return (self.work / f"{self.name}-{at}.log").read_text()

    def committed(self) -> dict[tuple[str, int], int]:
        """The next offset to read, per partition, as the group has it."""
        places = [TopicPartition(t, p) for t in self.topics for p in range(self.partitions)]
        return {
            (place.topic, place.partition): max(place.offset, 0)
            for place in self.watcher.committed(places, timeout=10)
        }

    def lag(self) -> int:
        """Records that are not committed yet."""
        committed = self.committed()
        ends = {
            place: self.watcher.get_watermark_offsets(TopicPartition(*place), timeout=10)[1]
            for place in committed
        }
        return sum(max(0, ends[place] - offset) for place, offset in committed.items())

    def moved(self, since: int) -> Callable[[], bool]:
        """Make a condition: something was committed."""
        return lambda: self.lag() < since

    def caught_up(self, seconds: float = 60) -> None:
        """Wait until all is committed."""
        until(lambda: self.lag() == 0, seconds, "all records committed")

    def shared(self) -> bool:
        """Whether two live workers both have partitions."""
        (group,) = self.admin.describe_consumer_groups([self.name]).values()
        members = group.result(10).members
        topics = set(self.topics)
        held = [
            [place for place in member.assignment.topic_partitions if place.topic in topics]
            for member in members
            if member.assignment is not None
        ]
        return len(held) == 2 and all(held)

    def broker_answers(self) -> bool:
        """Whether the broker takes part again, coordinator included."""
        try:
            self.committed()
        except KafkaException:
            return False
        return True

    def empty(self, topic: str) -> None:
        """Delete all records of a topic; its offsets go on."""
        policy = ConfigEntry(
            "cleanup.policy",
            "compact,delete",
            incremental_operation=AlterConfigOpType.SET,
        )
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[policy])
        self.admin.incremental_alter_configs([resource])[resource].result(30)
        places = [TopicPartition(topic, partition, -1) for partition in range(self.partitions)]
        for deleted in self.admin.delete_records(places).values():
            deleted.result(30)

    def transact(self, count: int, *, commit: bool) -> None:
        """Write *count* records in a transaction that ends well, or does not."""
        producer = Producer({"bootstrap.servers": self.brokers, "transactional.id": self.name})
        producer.init_transactions(30)
        producer.begin_transaction()
        for number in range(count):
            producer.produce(self.topics[0], key=b"key-%d" % number, value=b"%d" % number)
        producer.flush(30)
        if commit:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)

    def kill_process(self, pid: int) -> None:
        """SIGKILL, and wait until it is gone."""
        process = psutil.Process(pid)
        process.kill()
        until(lambda: not process.is_running(), 10, "the process is gone")

    def stop(self, worker: "subprocess.Popen[bytes]", seconds: float = 10) -> int:
        """SIGTERM, and the exit code."""
        worker.send_signal(signal.SIGTERM)
        return worker.wait(seconds)

    def table(self) -> dict[bytes | None, Any]:
        """The table, as its changelog has it."""
        latest = {
            message.key(): message.value()
            for message in everything(self.brokers, f"{self.name}-counts-changelog")
        }
        return {key: orjson.loads(value) for key, value in latest.items() if value is not None}

    def recount(self) -> Recount:
        """Compare inputs, outputs and the table."""
        inputs: set[bytes] = set()
        truth: Counter[bytes | None] = Counter()
        for topic in self.topics:
            for message in everything(self.brokers, topic):
                origin = f"{topic}:{message.partition()}:{message.offset()}"
                inputs.add(origin.encode())
                truth[message.key()] += 1
        outputs = Counter(message.value() for message in everything(self.brokers, self.output))
        table = self.table()
        counted: Mapping[bytes | None, int] = {key: value[0] for key, value in table.items()}
        return Recount(
            inputs=len(inputs),
            missing=len(inputs - outputs.keys()),
            wrong=sum(counted.get(key) != count for key, count in truth.items())
            + len(counted.keys() - truth.keys()),
            duplicates=sum(outputs.values()) - len(outputs),
        )

    def close(self) -> None:
        """Leave no worker behind."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.kill()
            worker.wait()
        self.watcher.close()


def watcher(brokers: str, group: str) -> Consumer:
    """Make a consumer that looks at a group and never joins it."""
    return Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )


def everything(brokers: str, topic: str) -> Iterator[Message]:
    """Read a topic from its beginning to its end."""
    consumer = watcher(brokers, f"recount-{uuid.uuid4().hex}")
    partitions = set(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    while partitions:
        for message in consumer.consume(500, 0.1):
            if message.error() is None:
                yield message
            else:
                partitions.discard(message.partition())
    consumer.close()
