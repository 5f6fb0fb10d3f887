"""Ports and a directory become a one-node Kafka: broker, Connect and the schema registry."""

import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

from ops.errors import OpsError
from ops.local import java
from ops.local.maven import LOGGING, Jars
from ops.local.settings import LocalSettings
from ops.local.spec import ProcessSpec, Ready

_BROKER_HEAP_MB = 512
_CONNECT_HEAP_MB = 512
_REGISTRY_HEAP_MB = 320
_LOG4J = {"log4j2.configurationFile": str(LOGGING)}


def broker(settings: LocalSettings, jars: Jars) -> ProcessSpec:
    """Format the log directory the first time, and say how the broker runs."""
    folder = settings.run / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"
    properties.write_text(_lines(_broker_properties(settings, folder / "data")))
    if not (folder / "data" / "meta.properties").is_file():
        _format(jars, properties)
    return ProcessSpec(
        name="kafka",
        argv=java.argv(
            "-cp",
            jars.classpath,
            "kafka.Kafka",
            str(properties),
            heap_mb=_BROKER_HEAP_MB,
            properties=_LOG4J,
        ),
        port=settings.ports.kafka,
        ready=Ready("tcp", f"127.0.0.1:{settings.ports.kafka}"),
        stop_seconds=20,
    )


def connect(settings: LocalSettings, jars: Jars, credentials: Mapping[str, str]) -> ProcessSpec:
    """
    Say how Connect runs.

    Connectors name their credentials as ``${env:SYNCLINE_…}``: Connect looks them up in its own
    environment, *credentials*, so that no password is in a connector's configuration.
    """
    folder = settings.run / "connect"
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "connect.properties"
    properties.write_text(_lines(_connect_properties(settings, jars)))
    url = f"http://127.0.0.1:{settings.ports.connect}/connectors"
    return ProcessSpec(
        name="connect",
        argv=java.argv(
            "-cp",
            jars.classpath,
            "org.apache.kafka.connect.cli.ConnectDistributed",
            str(properties),
            heap_mb=_CONNECT_HEAP_MB,
            properties=_LOG4J,
        ),
        env={**credentials, "TZ": "UTC"},
        port=settings.ports.connect,
        ready=Ready("http", url),
        # Connectors read their databases to the end before these stop.
        depends=("kafka", "postgres"),
    )


def registry(settings: LocalSettings, jars: Jars) -> ProcessSpec:
    """Say how the registry runs; its schemas live in Kafka, so it has no state of its own."""
    ports = settings.ports
    base = f"http://127.0.0.1:{ports.registry}"
    return ProcessSpec(
        name="registry",
        argv=java.argv(
            "-jar",
            str(jars.registry),
            heap_mb=_REGISTRY_HEAP_MB,
            properties={
                "quarkus.http.host": "127.0.0.1",
                "quarkus.http.port": str(ports.registry),
                # On its own the management port listens on 9000 of every interface.
                "quarkus.management.host": "127.0.0.1",
                "quarkus.management.port": str(ports.registry_management),
                "quarkus.log.level": "WARN",
                "quarkus.http.access-log.enabled": "false",
                "apicurio.storage.kind": "kafkasql",
                "apicurio.kafkasql.bootstrap.servers": f"127.0.0.1:{ports.kafka}",
                "apicurio.kafkasql.topic": "registry-journal",
                "apicurio.kafkasql.snapshots.topic": "registry-snapshots",
                "apicurio.events.kafka.topic": "registry-events",
                # At its start it waits this long, twice, for the end of topics on this machine.
                "apicurio.kafkasql.consumer.poll.timeout": "500",
            },
        ),
        cwd=settings.run,
        port=ports.registry,
        ready=Ready("http", f"{base}/apis/ccompat/v7/subjects"),
        depends=("kafka",),
    )


def _broker_properties(settings: LocalSettings, data: Path) -> Mapping[str, str]:
    kafka, controller = settings.ports.kafka, settings.ports.kafka_controller
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{kafka},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{kafka}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(data),
        # Topics are code: a name with a typing error must fail, not become a topic.
        "auto.create.topics.enable": "false",
        "num.partitions": "4",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "group.initial.rebalance.delay.ms": "0",
        # After kill -9 the broker may register again only when its old session has expired.
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "500",
        "log.cleaner.dedupe.buffer.size": str(32 * 1024 * 1024),
        "num.network.threads": "2",
        "num.io.threads": "4",
    }


def _connect_properties(settings: LocalSettings, jars: Jars) -> Mapping[str, str]:
    json_converter = "org.apache.kafka.connect.json.JsonConverter"
    return {
        "bootstrap.servers": f"127.0.0.1:{settings.ports.kafka}",
        "group.id": "syncline-connect",
        "config.storage.topic": "connect-configs",
        "offset.storage.topic": "connect-offsets",
        "status.storage.topic": "connect-status",
        "config.storage.replication.factor": "1",
        "offset.storage.replication.factor": "1",
        "status.storage.replication.factor": "1",
        "offset.storage.partitions": "4",
        "status.storage.partitions": "2",
        "offset.flush.interval.ms": "1000",
        "listeners": f"http://127.0.0.1:{settings.ports.connect}",
        "rest.advertised.host.name": "127.0.0.1",
        "plugin.path": str(jars.plugins),
        "plugin.discovery": "service_load",
        "key.converter": json_converter,
        "key.converter.schemas.enable": "false",
        "value.converter": json_converter,
        "value.converter.schemas.enable": "false",
        "config.providers": "env",
        "config.providers.env.class": (
            "org.apache.kafka.common.config.provider.EnvVarConfigProvider"
        ),
        "config.providers.env.param.allowlist.pattern": "SYNCLINE_.*",
    }


def _format(jars: Jars, properties: Path) -> None:
    done = subprocess.run(
        java.argv(
            "-cp",
            jars.classpath,
            "kafka.tools.StorageTool",
            "format",
            "--cluster-id",
            _cluster_id(),
            "--config",
            str(properties),
            heap_mb=128,
            properties=_LOG4J,
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        text = (done.stdout + done.stderr).strip()
        raise OpsError(f"Kafka's log directory cannot be formatted: {text[-300:]}")


def _cluster_id() -> str:
    """Give an id in Kafka's form: 16 random bytes in URL-safe base64, not starting with a dash."""
    return "s" + urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]


def _lines(properties: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in properties.items())
