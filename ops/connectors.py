"""connect-configs/<system>.json, a few lines, becomes the flat configuration Connect takes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.errors import OpsError
from ops.local.settings import ROOT

FOLDER = ROOT / "connect-configs"
_TRANSFORMS = "org.apache.kafka.connect.transforms"

# What every captured PostgreSQL database needs; a connector's own `config` wins.
DEFAULTS: Mapping[str, str] = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "tasks.max": "1",
    "plugin.name": "pgoutput",
    # `syncline` prepares the publication: it never covers all tables (see `ops/capture.py`).
    "publication.autocreate.mode": "disabled",
    "snapshot.mode": "initial",
    # Decimals and intervals as text: a binary float would lose cents (Invariant 8).
    "decimal.handling.mode": "string",
    "interval.handling.mode": "string",
    "time.precision.mode": "adaptive_time_microseconds",
    # A delete event says it all, and a document's other rows share its key: no tombstones.
    "tombstones.on.delete": "false",
    # BEGIN and END say when a document's transaction is complete (Invariant 5).
    "provide.transaction.metadata": "true",
    # Each second one small transaction: the slot lets go of its log though nothing else changes,
    # and END events keep telling how far the capture is. No table is added to anybody's database.
    "heartbeat.interval.ms": "1000",
    "heartbeat.action.query": (
        "SELECT pg_logical_emit_message(true, 'syncline-heartbeat', clock_timestamp()::text)"
    ),
    "poll.interval.ms": "20",
    "producer.override.linger.ms": "5",
    "producer.override.acks": "all",
    # One request should hold the rows of a transaction: its END must not overtake them.
    "producer.override.batch.size": "524288",
    "producer.override.max.request.size": "8388608",
    "errors.tolerance": "none",
    "topic.creation.default.partitions": "4",
    "topic.creation.default.replication.factor": "1",
}


@dataclass(frozen=True, slots=True)
class Capture:
    """One captured system: its documents (document → table → key column) and its own settings."""

    system: str
    documents: Mapping[str, Mapping[str, str]]
    config: Mapping[str, str]

    @property
    def tables(self) -> tuple[str, ...]:
        """Every captured table; no other row leaves the database."""
        return tuple(table for tables in self.documents.values() for table in tables)


def systems(folder: Path = FOLDER) -> list[str]:
    """Name every captured system."""
    return sorted(path.stem for path in folder.glob("*.json"))


def read(system: str, folder: Path = FOLDER) -> Capture:
    """Read one system's file, refusing what cannot work with a sentence that says where."""
    path = folder / f"{system}.json"
    if not path.is_file():
        known = ", ".join(systems(folder))
        raise OpsError(f"{system}: there is no {path.name} in {folder.name}/. Known are {known}.")
    try:
        value = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise OpsError(
            f"{folder.name}/{path.name} is not valid JSON in line {error.lineno}: {error.msg}."
        ) from error
    capture = Capture(system, value.get("documents", {}), value.get("config", {}))
    _check(capture, f"{folder.name}/{path.name}")
    return capture


def expand(capture: Capture) -> dict[str, str]:
    """
    Give the flat configuration.

    Rows of a document must stay together and in order: every table is keyed by its document's
    id (`message.key.columns`, then `ExtractField$Key` per key column) and sent to the document's
    topic (`RegexRouter`). Only Kafka's and Debezium's own parts are used.
    """
    prefix = f"cdc.{capture.system}"
    config = {
        "topic.prefix": prefix,
        "slot.name": f"syncline_{capture.system}",
        "publication.name": f"syncline_{capture.system}",
        "table.include.list": ",".join(rf"public\.{table}" for table in capture.tables),
        "message.key.columns": ";".join(
            rf"public\.{table}:{column}"
            for tables in capture.documents.values()
            for table, column in tables.items()
            if column != "id"
        ),
    }
    names: list[str] = []
    predicates: list[str] = []
    for column, keyed in _by_key_column(capture).items():
        predicates.append(column)
        names.append(f"key_{column}")
        config |= {
            f"predicates.{column}.type": f"{_TRANSFORMS}.predicates.TopicNameMatches",
            f"predicates.{column}.pattern": _topics(prefix, keyed),
            f"transforms.key_{column}.type": f"{_TRANSFORMS}.ExtractField$Key",
            f"transforms.key_{column}.field": column,
            f"transforms.key_{column}.predicate": column,
        }
    for document, tables in capture.documents.items():
        names.append(f"to_{document}")
        config |= {
            f"transforms.to_{document}.type": f"{_TRANSFORMS}.RegexRouter",
            # It replaces the first match: without `$`, sale_line would be split after `sale`.
            f"transforms.to_{document}.regex": _topics(prefix, [*tables]) + "$",
            f"transforms.to_{document}.replacement": f"{prefix}.{document}",
        }
    config |= {"transforms": ",".join(names), "predicates": ",".join(predicates)}
    return {**DEFAULTS, **config, **capture.config}


def _by_key_column(capture: Capture) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {}
    for tables in capture.documents.values():
        for table, column in tables.items():
            columns.setdefault(column, []).append(table)
    return dict(sorted(columns.items()))


def _topics(prefix: str, tables: list[str]) -> str:
    """Match the topics that Debezium itself would choose: a dash becomes an underscore there."""
    names = "|".join(re.sub(r"[^A-Za-z0-9._]", "_", table) for table in tables)
    return prefix.replace(".", r"\.") + rf"\.public\.({names})"


def _check(capture: Capture, where: str) -> None:
    if not capture.documents:
        raise OpsError(f"{where}: `documents` is empty. Name one: {{document: {{table: column}}}}.")
    seen: set[str] = set()
    for document, tables in capture.documents.items():
        if not tables:
            raise OpsError(f"{where}: document {document!r} has no table. Add {{table: column}}.")
        for table in tables:
            if table in seen:
                raise OpsError(
                    f"{where}: table {table!r} stands in two documents. Keep it in one: "
                    "a row has one key and one topic."
                )
            seen.add(table)
    for name, text in capture.config.items():
        if "password" in name and not text.startswith("${"):
            raise OpsError(
                f"{where}: {name} holds a password. Refer to it as ${{env:SYNCLINE_…}} instead."
            )
