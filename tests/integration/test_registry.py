"""The real registry keeps the contract: what was written can always be read."""

import copy
import uuid
from contextlib import closing

import pytest

from runtime.avro import AvroCodec
from runtime.errors import IncompatibleSchemaError
from runtime.registry import SchemaRegistry
from schemas import avsc

pytestmark = pytest.mark.stack


def test_a_field_without_a_default_is_refused_and_one_with_it_is_not(registry: str) -> None:
    """BACKWARD_TRANSITIVE: a reader of the newest version reads every older record."""
    subject = f"contract-{uuid.uuid4().hex}-value"
    added = {"name": "note", "type": "string", "doc": "New."}
    without, with_default = (copy.deepcopy(avsc.schema("stock")) for _ in range(2))
    without["fields"].append(added)
    with_default["fields"].append({**added, "default": ""})

    with closing(SchemaRegistry(registry)) as known:
        first = known.register(subject, avsc.schema("stock"))
        with pytest.raises(IncompatibleSchemaError, match="give a new field a default"):
            known.register(subject, without)
        second = known.register(subject, with_default)

    assert first != second


def test_every_schema_of_ours_is_accepted_and_found_again(registry: str) -> None:
    """The number in front of a record leads back to the schema that wrote it."""
    with closing(SchemaRegistry(registry)) as known, closing(SchemaRegistry(registry)) as other:
        for name in [*avsc.entities(), avsc.LEDGER]:
            number = AvroCodec(known, f"contract-{uuid.uuid4().hex}", name).register()

            assert other.schema(number)["name"] == avsc.schema(name)["name"]
