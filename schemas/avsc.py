"""An entity's name in, its Avro schema out: the .avsc files, found and read."""

import json
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LEDGER = "ledger"


def entities() -> list[str]:
    """Name every canonical entity, in order."""
    return sorted(path.stem for path in (HERE / "canonical").glob("*.avsc"))


@cache
def schema(name: str) -> dict[str, Any]:
    """
    Read the schema of the entity *name*, or of the ledger.

    Raises FileNotFoundError for a name without an .avsc file.
    """
    path = HERE / "ledger.avsc" if name == LEDGER else HERE / "canonical" / f"{name}.avsc"
    parsed: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return parsed
