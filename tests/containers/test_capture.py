"""Kafka, Connect and PostgreSQL by testcontainers: a document's rows arrive together, in order."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import psycopg
import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from ops import capture, connectors, topics
from ops.connect import Connect
from ops.connectors import Capture
from ops.containers import compose
from runtime.admin import Admin
from runtime.kafka import Cluster, Stored, read_to_end
from schemas.topics import Topic
from tests.containers.conftest import free_port

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

DOCUMENTS = {"order": {"order": "id", "order_line": "orderId"}}
TABLES = """
CREATE TABLE "order" (id int PRIMARY KEY, code text);
CREATE TABLE order_line (id int PRIMARY KEY, "orderId" int, sku text);
"""
_READY_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the three containers answer on this machine."""

    kafka: str
    connect: str
    dsn: str


@pytest.fixture(scope="module")
def parts(provided: None) -> Iterator[Parts]:  # noqa: ARG001
    """The same images that the compose file runs, without it."""
    testcontainers_config.ryuk_disabled = True  # one image more; the fixture cleans up itself
    pinned = compose.pinned()
    ports = {name: free_port() for name in ("kafka", "connect", "postgres")}
    with ExitStack() as running:
        network = running.enter_context(Network())

        def container(name: str, inside: int, **environment: str) -> DockerContainer:
            made = DockerContainer(pinned[name]).with_network(network).with_network_aliases(name)
            made = made.with_bind_ports(inside, ports[name])
            for key, value in environment.items():
                made = made.with_env(key, value)
            return made

        database = container("postgres", 5432, POSTGRES_PASSWORD="test")  # noqa: S106
        running.enter_context(database.with_command("postgres -c wal_level=logical"))
        running.enter_context(
            container(
                "kafka",
                9092,
                KAFKA_NODE_ID="1",
                KAFKA_PROCESS_ROLES="broker,controller",
                KAFKA_CONTROLLER_QUORUM_VOTERS="1@localhost:9093",
                KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
                KAFKA_LISTENERS="INSIDE://:19092,HOST://:9092,CONTROLLER://:9093",
                KAFKA_ADVERTISED_LISTENERS=f"INSIDE://kafka:19092,HOST://127.0.0.1:{ports['kafka']}",
                KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=(
                    "INSIDE:PLAINTEXT,HOST:PLAINTEXT,CONTROLLER:PLAINTEXT"
                ),
                KAFKA_INTER_BROKER_LISTENER_NAME="INSIDE",
                KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
                KAFKA_HEAP_OPTS="-Xmx384m",
            )
        )
        listening(ports["kafka"])
        running.enter_context(
            container(
                "connect",
                8083,
                BOOTSTRAP_SERVERS="kafka:19092",
                GROUP_ID="test",
                CONFIG_STORAGE_TOPIC="configs",
                OFFSET_STORAGE_TOPIC="offsets",
                STATUS_STORAGE_TOPIC="status",
                CONNECT_CONFIG_STORAGE_REPLICATION_FACTOR="1",
                CONNECT_OFFSET_STORAGE_REPLICATION_FACTOR="1",
                CONNECT_STATUS_STORAGE_REPLICATION_FACTOR="1",
                CONNECT_KEY_CONVERTER_SCHEMAS_ENABLE="false",
                CONNECT_VALUE_CONVERTER_SCHEMAS_ENABLE="false",
                HEAP_OPTS="-Xmx384m",
            )
        )
        found = Parts(
            kafka=f"127.0.0.1:{ports['kafka']}",
            connect=f"http://127.0.0.1:{ports['connect']}",
            dsn=f"postgresql://postgres:test@127.0.0.1:{ports['postgres']}/postgres",
        )
        answering(f"{found.connect}/connectors")
        yield found


def listening(port: int) -> None:
    """Wait until a port takes connections and keeps them."""
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), 2) as connection:
                connection.settimeout(0.5)
                if connection.recv(1) != b"":
                    return
        except TimeoutError:
            return  # open, and waiting for us to speak
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"nothing listens at port {port}")


def answering(url: str) -> None:
    """Wait until a URL answers."""
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    pytest.fail(f"{url} does not answer")


def arrived(kafka: str, topic: str, count: int) -> list[Stored]:
    """Wait until *count* records are in *topic*."""
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        found = read_to_end(Cluster(kafka), topic)
        if len(found) >= count:
            return found
        time.sleep(0.3)
    return found


def test_the_rows_of_a_document_arrive_in_one_partition_in_commit_order(parts: Parts) -> None:
    """The short form of connect-configs, on the images that people run."""
    system = Capture(
        "probe",
        DOCUMENTS,
        {
            "database.hostname": "postgres",
            "database.port": "5432",
            "database.dbname": "postgres",
            "database.user": "capture_probe",
            "database.password": "secret",
        },
    )
    with psycopg.connect(parts.dsn, autocommit=True) as connection:
        connection.execute(TABLES)
    capture.prepare(parts.dsn, system, user="capture_probe", password="secret")  # noqa: S106
    admin = Admin.connect(Cluster(parts.kafka))
    admin.create(
        {
            name: topics.wanted(Topic(name))
            for name in ("cdc.probe.order", "cdc.probe.transaction", "cdc.probe.message")
        }
    )
    with httpx.Client(base_url=parts.connect, timeout=60) as client:
        connect = Connect(client)
        connect.register("probe", connectors.expand(system))
        connect.wait_running("probe", 120)
    with psycopg.connect(parts.dsn) as connection:
        connection.execute("""INSERT INTO "order" VALUES (7, 'A7'), (8, 'A8')""")
        connection.execute("INSERT INTO order_line VALUES (1, 7, 'X'), (2, 8, 'Y'), (3, 7, 'Z')")

    found = arrived(parts.kafka, "cdc.probe.order", 5)

    of_seven = [record for record in found if record.key == b"7"]
    rows = [json.loads(record.value or b"{}") for record in of_seven]
    assert len(found) == 5
    assert len({record.partition for record in of_seven}) == 1
    assert [row["source"]["table"] for row in rows] == ["order", "order_line", "order_line"]
    assert [row["after"].get("sku") for row in rows] == [None, "X", "Z"]
