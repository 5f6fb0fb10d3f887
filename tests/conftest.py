"""Fixtures that start real parts of the stack, once per test session and only when asked for."""

import random
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ops.local import control, maven, postgres, status
from ops.local import kafka as kafka_parts
from ops.local.probe import port_is_free
from ops.local.progress import Reporter
from ops.local.settings import LocalSettings, Ports, load
from ops.local.up import up


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a test that starts the whole stack wait for it: the first time it is built and seeded."""
    for item in items:
        asks = getattr(item, "fixturenames", ())
        if "stack_home" in asks and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(1800))


def _free_ports() -> Ports:
    """Choose free ports below those that the kernel gives to outgoing connections."""
    chosen: dict[str, int] = {}
    for name in asdict(Ports()):
        while name not in chosen:
            port = random.randrange(23000, 31000)
            if port not in chosen.values() and port_is_free(port):
                chosen[name] = port
    return Ports(**chosen)


def _new_home() -> LocalSettings:
    """Make a state directory that shares the repository's cache and nothing else."""
    home = Path(tempfile.mkdtemp(prefix="syncline-test-"))
    home.chmod(0o755)  # PostgreSQL's account must be able to pass
    cache = load().cache
    ports = "".join(f"{name} = {port}\n" for name, port in asdict(_free_ports()).items())
    (home / "local.toml").write_text(f'cache = "{cache}"\nfsync = false\n\n[ports]\n{ports}')
    return load({"SYNCLINE_HOME": str(home)})


def _remove(settings: LocalSettings) -> None:
    control.stop(settings)
    postgres.remove(settings)
    shutil.rmtree(settings.home, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka_home() -> Iterator[LocalSettings]:
    """
    A supervised broker of its own; nothing else runs in it.

    `ops.local.control.seen(kafka_home)["kafka"].pid` is what a fault test kills: the supervisor
    starts it again.
    """
    settings = _new_home()
    try:
        jars = maven.build(settings.cache, lambda _: None)
        control.add(settings, kafka_parts.broker(settings, jars))
        control.wait_ready(settings, ["kafka"])
        yield settings
    finally:
        _remove(settings)


@pytest.fixture(scope="session")
def kafka(kafka_home: LocalSettings) -> str:
    """A real broker, as ``host:port``."""
    return f"127.0.0.1:{kafka_home.ports.kafka}"


@pytest.fixture(scope="session")
def registry(kafka_home: LocalSettings) -> str:
    """A real schema registry on the broker of the fixture `kafka`: its Confluent API's URL."""
    jars = maven.build(kafka_home.cache, lambda _: None)
    control.add(kafka_home, kafka_parts.registry(kafka_home, jars))
    control.wait_ready(kafka_home, ["registry"])
    return f"http://127.0.0.1:{kafka_home.ports.registry}/apis/ccompat/v7"


@pytest.fixture(scope="session")
def stack_home() -> Iterator[LocalSettings]:
    """The whole stack with the real systems and the workers, in a state directory of its own."""
    settings = _new_home()
    try:
        with Reporter(Console(stderr=True)) as report:
            up(settings, report)
        yield settings
    finally:
        _remove(settings)


@pytest.fixture(scope="session")
def stack(stack_home: LocalSettings) -> Mapping[str, Any]:
    """What `syncline status --json` says of the whole stack: processes, endpoints, credentials."""
    return status.as_json(stack_home)
