"""Both real databases are captured: what arrives, what never does, and that an idle slot moves."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg
import pytest
from psycopg import sql

from ops import connectors
from ops.local.settings import LocalSettings
from runtime.admin import Admin
from runtime.kafka import Cluster, Stored, read_to_end
from schemas import topics

pytestmark = pytest.mark.stack

Endpoints = Mapping[str, Any]

_SECRET_TABLES = {
    "erp": ("res_user", "res_user_application", "ir_session", "res_user_device"),
    "shop": ("user", "session", "authentication_method", "api_key", "administrator"),
}
_SENSITIVE = "password|hash|token|secret|key|session|signature"


@pytest.fixture(scope="module")
def endpoints(stack: Mapping[str, Any]) -> Endpoints:
    """Where the stack answers."""
    found: Endpoints = stack["endpoints"]
    return found


@pytest.fixture(scope="module")
def raw(endpoints: Endpoints) -> list[Stored]:
    """Every record of every topic that Connect writes, the snapshots included."""
    cluster = Cluster(endpoints["kafka"])
    names = [
        name
        for name in Admin.connect(cluster).topics()
        if name.startswith(("cdc.", "__debezium-heartbeat"))
    ]
    _until(
        lambda: all(
            read_to_end(cluster, topics.raw("tryton", name)) for name in ("product", "stock-move")
        )
    )
    return [record for name in names for record in read_to_end(cluster, name)]


def test_only_listed_tables_arrive(raw: list[Stored]) -> None:
    """A row of any other table would mean that the publication or the filter is wrong."""
    allowed = {table for name in connectors.systems() for table in connectors.read(name).tables}
    arrived = {event["source"]["table"] for event in _events(raw)}

    assert arrived - {""} <= allowed  # a logical message has no table
    assert {"product_template", "stock_move", "product_variant"} <= arrived


def test_no_topic_holds_a_secret(raw: list[Stored], endpoints: Endpoints) -> None:
    """Not one password hash, token or key of either database is in any record."""
    secrets = {
        value
        for system, tables in _SECRET_TABLES.items()
        for value in _secret_values(endpoints[system]["dsn"], tables)
    }
    leaked = [
        (record.topic, record.offset)
        for record in raw
        for secret in secrets
        if secret in (record.value or b"")
    ]

    assert len(secrets) >= 4, "there are users, sessions and keys to look for"
    assert leaked == []


def test_the_invoice_report_is_not_captured(raw: list[Stored]) -> None:
    """A rendered document is large and nobody's business."""
    assert not any(b"invoice_report_cache" in (record.value or b"") for record in raw)


@pytest.mark.parametrize(("system", "database"), [("tryton", "erp"), ("vendure", "shop")])
def test_the_capturing_role_can_read_nothing_else(
    stack_home: LocalSettings, endpoints: Endpoints, system: str, database: str
) -> None:
    """Even a wrong connector could not read accounts."""
    passwords = json.loads((stack_home.run / "secrets.json").read_text())
    name = f"capture_{system}"
    address = psycopg.conninfo.conninfo_to_dict(endpoints[database]["dsn"])
    with psycopg.connect(**{**address, "user": name, "password": passwords[name]}) as connection:
        readable = {
            table
            for (table,) in connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relkind IN ('r', 'p', 'v', 'm') AND has_table_privilege(oid, 'SELECT')"
            )
        }

    assert readable == set(connectors.read(system).tables)


@pytest.mark.parametrize(("system", "database"), [("tryton", "erp"), ("vendure", "shop")])
def test_the_publication_lists_its_tables(endpoints: Endpoints, system: str, database: str) -> None:
    """ALL TABLES would publish accounts; and each row's old values are in the log whole."""
    with psycopg.connect(endpoints[database]["dsn"]) as connection:
        everything = connection.execute("SELECT bool_or(puballtables) FROM pg_publication")
        published = connection.execute(
            "SELECT p.tablename, c.relreplident::text FROM pg_publication_tables p"
            " JOIN pg_class c ON c.oid = format('public.%I', p.tablename)::regclass"
        )

        assert everything.fetchone() == (False,)
        assert dict(published) == dict.fromkeys(connectors.read(system).tables, "f")


@pytest.mark.parametrize("system", ["tryton", "vendure"])
def test_a_slot_moves_while_its_database_is_idle(endpoints: Endpoints, system: str) -> None:
    """The heartbeat lets go of the log: an idle shop must not fill the disk of a busy ERP."""
    dsn = endpoints["erp"]["dsn"]

    def flushed() -> int:
        return _slot(dsn, f"syncline_{system}")

    before = flushed()
    _until(lambda: flushed() > before)


def test_ends_of_transactions_grow_and_never_stand_still(endpoints: Endpoints) -> None:
    """END events are the commit watermark: a document waits for the one behind its own."""
    cluster = Cluster(endpoints["kafka"])
    for system in connectors.systems():
        topic = topics.transaction(system)
        before = max(_ends(cluster, topic), default=0)
        _until(lambda topic=topic, before=before: max(_ends(cluster, topic), default=0) > before)  # type: ignore[misc]
        found = _ends(cluster, topic)

        assert found == sorted(found)


def test_rows_of_a_document_share_a_partition(raw: list[Stored]) -> None:
    """Invariant 3: a product's template and its variants lie in one partition, under one key."""
    places: dict[tuple[str, bytes], set[int]] = {}
    for record in raw:
        if record.key and record.topic == topics.raw("tryton", "product"):
            places.setdefault((record.topic, record.key), set()).add(record.partition)

    assert places
    assert all(len(partitions) == 1 for partitions in places.values())


def _events(records: list[Stored]) -> Iterator[dict[str, Any]]:
    for record in records:
        value = json.loads(record.value or b"{}")
        if "source" in value:
            yield value


def _ends(cluster: Cluster, topic: str) -> list[int]:
    found = [json.loads(record.value or b"{}") for record in read_to_end(cluster, topic)]
    return [int(end["id"].split(":")[1]) for end in found if end["status"] == "END"]


def _slot(dsn: str, name: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "SELECT (confirmed_flush_lsn - '0/0')::bigint FROM pg_replication_slots"
            " WHERE slot_name = %s",
            [name],
        ).fetchone()
    assert row is not None, f"there is no slot {name}"
    return int(row[0])


def _secret_values(dsn: str, tables: tuple[str, ...]) -> Iterator[bytes]:
    with psycopg.connect(dsn) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = ANY(%s) AND column_name ~* %s"
            " AND data_type IN ('character varying', 'text')",
            [list(tables), _SENSITIVE],
        ).fetchall()
        for table, column in columns:
            values = connection.execute(
                sql.SQL("SELECT {} FROM {}").format(
                    sql.Identifier(column), sql.Identifier("public", table)
                )
            )
            yield from (value.encode() for (value,) in values if value and len(value) >= 16)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline, "waited for a minute and a half in vain"
        time.sleep(0.2)
