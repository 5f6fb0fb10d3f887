"""Followed reference topics in, answers out: what the foreign keys of an order stand for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from streams.mappings.vendure.customer import CustomerReference
from streams.mappings.vendure.variant import VariantReference


class Followed(Protocol):
    """The newest value of each key of a topic: `runtime.kafka.Follower`, or a fake."""

    @property
    def version(self) -> int:
        """Grows with each change."""
        ...

    def get(self, key: str) -> Any:
        """The newest value of *key*, or None."""
        ...


@dataclass(frozen=True, slots=True)
class FollowedReferences:
    """What is known now; `version` grows when that changes."""

    variants: Followed
    customers: Followed

    @property
    def version(self) -> int:
        """Grows with each change of any reference."""
        return self.variants.version + self.customers.version

    def variant(self, identity: int) -> VariantReference | None:
        """The variant with this id, if the stream has seen it."""
        said: Mapping[str, Any] | None = self.variants.get(str(identity))
        return None if said is None else cast("VariantReference", said)

    def customer(self, identity: int) -> CustomerReference | None:
        """The customer with this id, if the stream has seen it."""
        said: Mapping[str, Any] | None = self.customers.get(str(identity))
        return None if said is None else cast("CustomerReference", said)
