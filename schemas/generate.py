"""The .avsc files in, ``schemas/records.py`` out: canonical records as TypedDicts."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas import avsc

TARGET = Path(__file__).with_name("records.py")
HEADER = '''"""Canonical records as types; generated from the .avsc files by ``make schemas``."""

from datetime import datetime
from decimal import Decimal
from typing import Literal, TypedDict
'''
PRIMITIVES = {
    "string": "str",
    "long": "int",
    "int": "int",
    "boolean": "bool",
    "bytes": "bytes",
    "double": "float",
    "null": "None",
}
LOGICAL = {"decimal": "Decimal", "timestamp-micros": "datetime", "date": "date"}


def python_type(schema: Any) -> str:
    """Name the Python type that fastavro reads and writes for *schema*."""
    match schema:
        case str():
            return PRIMITIVES.get(schema, schema)
        case list():
            return " | ".join(sorted((python_type(part) for part in schema), key="None".__eq__))
        case {"logicalType": logical}:
            return LOGICAL[logical]
        case {"type": "array", "items": items}:
            return f"list[{python_type(items)}]"
        case {"type": "enum", "symbols": symbols}:
            return f"Literal[{', '.join(f'{symbol!r}' for symbol in symbols)}]".replace("'", '"')
        case {"type": "record", "name": name}:
            return str(name)
    raise TypeError(f"schemas/generate.py: no Python type for {schema!r}; add it to python_type")


def records(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every record in *schema*, nested ones first."""
    match schema:
        case list():
            for part in schema:
                yield from records(part)
        case {"type": "array", "items": items}:
            yield from records(items)
        case {"type": "record", "fields": fields}:
            for field in fields:
                yield from records(field["type"])
            yield schema


def typed_dict(record: dict[str, Any]) -> str:
    """Write one record as a TypedDict; field docs become comments' better half: docstrings."""
    lines = [f"class {record['name']}(TypedDict):", f'    """{record["doc"]}"""', ""]
    lines += [f"    {field['name']}: {python_type(field['type'])}" for field in record["fields"]]
    return "\n".join(lines)


def render() -> str:
    """Return the text of ``schemas/records.py``."""
    seen: dict[str, dict[str, Any]] = {}
    for name in [*avsc.entities(), avsc.LEDGER]:
        for record in records(avsc.schema(name)):
            known = seen.setdefault(record["name"], record)
            if known != record:
                raise TypeError(
                    f"{name}.avsc: {record['name']} differs from another file's; make them equal"
                )
    return "\n\n".join([HEADER, *(f"{typed_dict(record)}\n" for record in seen.values())])


def main(arguments: list[str]) -> int:
    """Write the file, or with ``--check`` only say whether it is fresh."""
    text = render()
    if "--check" in arguments:
        if TARGET.read_text(encoding="utf-8") == text:
            return 0
        print("schemas/records.py is stale: run `make schemas` and commit it", file=sys.stderr)
        return 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
