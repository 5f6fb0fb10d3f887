"""Topics of schemas/topics.py against those of a cluster: the plan, and its execution."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from runtime.admin import Admin, TopicFacts
from schemas.topics import Topic


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be done for the topics to be as the code says."""

    create: Mapping[str, TopicFacts] = field(default_factory=dict)
    set_config: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    stuck: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Say whether the cluster is as the code says."""
        return not (self.create or self.set_config or self.stuck)


def wanted(topic: Topic) -> TopicFacts:
    """Give a topic's configuration in Kafka's words."""
    config: dict[str, str] = {"cleanup.policy": topic.cleanup}
    if topic.cleanup == "delete":
        config["retention.ms"] = str(topic.retention_ms)
    return TopicFacts(topic.partitions, config | topic.config)


def plan(topics: Iterable[Topic], found: Mapping[str, TopicFacts]) -> Plan:
    """
    Compare.

    A wrong number of partitions is reported, never changed: records of a key would then lie in
    two partitions, and their order would be lost (Invariant 3).
    """
    create, changes, stuck = {}, {}, []
    for topic in topics:
        goal = wanted(topic)
        facts = found.get(topic.name)
        if facts is None:
            create[topic.name] = goal
            continue
        different = {
            name: value for name, value in goal.config.items() if facts.config.get(name) != value
        }
        if different:
            changes[topic.name] = different
        if facts.partitions != goal.partitions:
            stuck.append(
                f"{topic.name}: has {facts.partitions} partitions and should have "
                f"{goal.partitions}. Keys would move: copy it to a new topic, or change "
                "`partitions` in schemas/topics.py."
            )
    return Plan(create, changes, tuple(stuck))


def lines(plan: Plan) -> list[str]:
    """Say the plan, a line per topic."""
    return [
        *(
            f"+ {name}: {facts.partitions} partitions, "
            + ", ".join(f"{key}={value}" for key, value in facts.config.items())
            for name, facts in plan.create.items()
        ),
        *(
            f"~ {name}: " + ", ".join(f"{key}={value}" for key, value in config.items())
            for name, config in plan.set_config.items()
        ),
        *(f"! {sentence}" for sentence in plan.stuck),
    ]


def apply(plan: Plan, admin: Admin) -> None:
    """Make the difference that can be made."""
    admin.create(plan.create)
    admin.set_config(plan.set_config)
