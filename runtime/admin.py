"""Topics as they should be, compared with topics as they are; the difference is made on request."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from runtime.errors import UnavailableError
from runtime.kafka import Cluster

_TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """A topic: its partitions, and of its configuration what somebody set."""

    partitions: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Admin:
    """The administrator's view of one Kafka cluster."""

    client: AdminClient
    replication_factor: int = 1

    @classmethod
    def connect(cls, cluster: Cluster, *, replication_factor: int = 1) -> "Admin":
        """Reach *cluster*; nothing is asked of it yet."""
        # Level 4: the library speaks of its own house-keeping on standard error otherwise.
        config = {**cluster.client("syncline-admin"), "log_level": 4}
        return cls(AdminClient(config), replication_factor)

    def topics(self) -> dict[str, int]:
        """Give every topic of the cluster with its partitions."""
        try:
            metadata = self.client.list_topics(timeout=_TIMEOUT_SECONDS)
        except KafkaException as error:
            raise UnavailableError(f"Kafka does not answer: {error.args[0].str()}") from error
        return {name: len(topic.partitions) for name, topic in metadata.topics.items()}

    def describe(self, names: Iterable[str]) -> dict[str, TopicFacts]:
        """Give the facts of those of *names* that exist."""
        partitions = self.topics()
        resources = [
            ConfigResource(ResourceType.TOPIC, name) for name in names if name in partitions
        ]
        if not resources:
            return {}
        answers = self.client.describe_configs(resources, request_timeout=_TIMEOUT_SECONDS)
        return {
            resource.name: TopicFacts(
                partitions[resource.name],
                {name: entry.value for name, entry in _answer(answers[resource]).items()},
            )
            for resource in resources
        }

    def create(self, wanted: Mapping[str, TopicFacts]) -> None:
        """Create topics; one that another process created meanwhile is fine."""
        if not wanted:
            return
        made = self.client.create_topics(
            [
                NewTopic(
                    name,
                    num_partitions=facts.partitions,
                    replication_factor=self.replication_factor,
                    config=dict(facts.config),
                )
                for name, facts in wanted.items()
            ],
            request_timeout=_TIMEOUT_SECONDS,
        )
        for future in made.values():
            _answer(future, unless="TOPIC_ALREADY_EXISTS")

    def set_config(self, changes: Mapping[str, Mapping[str, str]]) -> None:
        """Set single values of topics' configuration; the others stay as they are."""
        if not changes:
            return
        resources = [
            ConfigResource(
                ResourceType.TOPIC,
                name,
                incremental_configs=[
                    ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
                    for key, value in config.items()
                ],
            )
            for name, config in changes.items()
        ]
        done = self.client.incremental_alter_configs(resources, request_timeout=_TIMEOUT_SECONDS)
        for future in done.values():
            _answer(future)

    def add_partitions(self, totals: Mapping[str, int]) -> None:
        """Raise topics to *totals* partitions: keys move, so only an empty topic may be raised."""
        if not totals:
            return
        done = self.client.create_partitions(
            [NewPartitions(name, total) for name, total in totals.items()],
            request_timeout=_TIMEOUT_SECONDS,
        )
        for future in done.values():
            _answer(future)


def _answer(future: "Future[Any]", *, unless: str = "") -> Any:
    try:
        return future.result(timeout=_TIMEOUT_SECONDS)
    except KafkaException as error:
        if error.args[0].name() == unless:
            return None
        raise UnavailableError(f"Kafka refused: {error.args[0].str()}") from error
