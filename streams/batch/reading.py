"""How to read, in our words, in; Faust's settings out, with its unsafe defaults replaced."""

import os
import socket
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import faust

from runtime.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Reading:
    """
    Where and how an app reads; durations are in seconds.

    Attributes:
        brokers: host:port, comma separated.
        security: In librdkafka's words (`security.protocol`, `sasl.mechanism`, ...).
        partitions: Of tables; the topics that feed a table must have as many.
        read_committed: Records of aborted transactions are not seen.
        batch_max: Records in one batch at most.
        commit_interval: How often offsets are committed, when there is something to commit.
        session_timeout: How soon a dead worker's partitions go to others.
        instance: A name that stays when the worker is started again, and that no other worker
            of the group has. With it a restart gets its partitions back at once, without a
            rebalance and without waiting for the dead one's session to end.
        stuck_after: How long there may be work and no progress before the worker ends itself.
    """

    brokers: str
    datadir: Path
    security: Mapping[str, str] = field(default_factory=dict, repr=False)
    partitions: int = 4
    replication_factor: int = 1
    read_committed: bool = True
    batch_max: int = 1000
    commit_interval: float = 0.5
    session_timeout: float = 10.0
    stuck_after: float = 60.0
    instance: str = ""


def faust_settings(reading: Reading) -> dict[str, Any]:
    """Every Faust setting that matters to us, none left to its default by accident."""
    brokers = [f"kafka://{broker.strip()}" for broker in reading.brokers.split(",")]
    return {
        "broker": brokers,
        "broker_credentials": credentials(reading.security),
        "broker_commit_interval": reading.commit_interval,
        "broker_session_timeout": reading.session_timeout,
        "broker_heartbeat_interval": reading.session_timeout / 5,
        "broker_request_timeout": max(30.0, reading.session_timeout * 2),
        "broker_rebalance_timeout": max(20.0, reading.session_timeout * 2),
        "broker_max_poll_interval": max(300.0, reading.stuck_after * 2),
        "consumer_auto_offset_reset": "earliest",
        "canonical_url": f"http://{reading.instance or _unique()}",
        "consumer_group_instance_id": reading.instance or None,
        "datadir": reading.datadir,
        "store": "memory://",
        "stream_buffer_maxsize": 16,  # batches, not records
        "stream_wait_empty": False,  # True hangs for minutes on SIGTERM
        "table_standby_replicas": 0,
        "topic_allow_declare": True,  # changelogs only: our own topics are `ops.topics`'
        "topic_disable_leader": True,
        "topic_partitions": reading.partitions,
        "topic_replication_factor": reading.replication_factor,
        "web_enabled": False,  # it would serve table data on all interfaces
        "worker_redirect_stdouts": False,
    }


def credentials(security: Mapping[str, str]) -> Any:
    """Say librdkafka's security settings in Faust's words."""
    protocol = security.get("security.protocol", "PLAINTEXT").upper()
    if protocol == "PLAINTEXT":
        return None
    context = None
    if protocol.endswith("SSL"):
        context = ssl.create_default_context(cafile=security.get("ssl.ca.location"))
        if "ssl.certificate.location" in security:
            context.load_cert_chain(
                security["ssl.certificate.location"],
                security.get("ssl.key.location"),
                security.get("ssl.key.password"),
            )
    if protocol == "SSL":
        return faust.SSLCredentials(context)
    if protocol not in {"SASL_PLAINTEXT", "SASL_SSL"}:
        raise ConfigurationError(
            f"security.protocol: {protocol} is not one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"
        )
    return faust.SASLCredentials(
        username=security.get("sasl.username"),
        password=security.get("sasl.password"),
        mechanism=security.get("sasl.mechanism", security.get("sasl.mechanisms", "PLAIN")),
        ssl_context=context,
    )


def _unique() -> str:
    """Name this process, for the assignor tells workers apart by name."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
