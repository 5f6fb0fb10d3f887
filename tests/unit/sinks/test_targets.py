"""Each target is wired to topics and groups that exist."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from runtime.settings import Settings
from schemas import topics
from sinks.targets import TARGETS


class NoRegistry:
    """Asked nothing while wiring."""

    def register(self, subject: str, schema: dict[str, Any]) -> int:
        raise AssertionError(subject, schema)

    def schema(self, schema_id: int) -> dict[str, Any]:
        raise AssertionError(schema_id)


@pytest.mark.parametrize("target", sorted(TARGETS))
async def test_a_target_reads_known_entities_in_known_groups(target: str) -> None:
    """A group without a dead-letter topic could not give up on a record."""
    async with AsyncExitStack() as closing:
        routes = TARGETS[target](Settings(), NoRegistry(), closing)

        assert {route.entity for route in routes} <= set(topics.CANONICAL)
        assert {route.group for route in routes} <= set(topics.GROUPS)
        assert {route.target for route in routes} == {target}
