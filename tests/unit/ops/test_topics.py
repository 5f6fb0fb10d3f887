"""Topics as they should be and as they are in, a plan out."""

from ops import topics
from runtime.admin import TopicFacts
from schemas.topics import Topic

_ORDERS = Topic("canonical.order", cleanup="compact")
_RAW = Topic("cdc.vendure.order", retention_ms=5)


def test_a_missing_topic_is_created_as_the_code_says() -> None:
    """Partitions and cleaning follow from schemas/topics.py."""
    plan = topics.plan([_ORDERS, _RAW], {})

    assert plan.create["canonical.order"] == TopicFacts(4, {"cleanup.policy": "compact"})
    assert plan.create["cdc.vendure.order"].config["retention.ms"] == "5"


def test_an_equal_topic_needs_nothing() -> None:
    """Settings that nobody asked for are left alone."""
    found = {"canonical.order": TopicFacts(4, {"cleanup.policy": "compact", "segment.ms": "1"})}

    assert topics.plan([_ORDERS], found).is_empty


def test_a_different_setting_is_set() -> None:
    """Only what differs is touched."""
    found = {"canonical.order": TopicFacts(4, {"cleanup.policy": "delete"})}
    plan = topics.plan([_ORDERS], found)

    assert plan.set_config == {"canonical.order": {"cleanup.policy": "compact"}}
    assert topics.lines(plan) == ["~ canonical.order: cleanup.policy=compact"]


def test_partitions_are_never_changed() -> None:
    """Invariant 3: records of one key would lie in two partitions."""
    found = {"canonical.order": TopicFacts(2, {"cleanup.policy": "compact"})}
    plan = topics.plan([_ORDERS], found)

    assert plan.create == {}
    assert "has 2 partitions and should have 4" in plan.stuck[0]
