"""Fixtures that need a Docker engine; without one their tests are skipped, with the reason."""

import contextlib
import os
import random
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ops.containers import compose, status, up
from ops.local.probe import port_is_free
from ops.local.progress import Reporter
from ops.local.settings import LocalSettings, Ports, load
from tests.containers import engine as engines
from tests.containers import images

# The builder that needs no plugin of the client: stand-ins live in the engine's own store.
_CLASSIC = {"DOCKER_BUILDKIT": "0", "COMPOSE_DOCKER_CLI_BUILD": "0"}


def say(text: str) -> None:
    """Tell who watches what takes so long."""
    Console(stderr=True).print(text)


def free_port() -> int:
    """Find a port below those that the kernel gives to outgoing connections."""
    while True:
        port = random.randrange(23000, 31000)
        if port_is_free(port):
            return port


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """A Docker engine that answers: the machine's, or one that is started and stopped here."""
    with contextlib.ExitStack() as running:
        try:
            running.enter_context(engines.running(load().home / "containers"))
        except engines.NoEngineError as error:
            pytest.skip(str(error))
        yield


@pytest.fixture(scope="session")
def provided(engine: None) -> None:  # noqa: ARG001 the order is what matters
    """Every pinned image: the public one where it was pulled, else its stand-in."""
    os.environ.update(_CLASSIC)
    images.provide(load().cache, say)


@pytest.fixture(scope="session")
def containers(provided: None) -> Iterator[LocalSettings]:  # noqa: ARG001
    """The whole stack in containers, in a project of its own with ports of its own."""
    home = Path(tempfile.mkdtemp(prefix="syncline-containers-"))
    ports = "".join(f"{name} = {free_port()}\n" for name in asdict(Ports()))
    (home / "local.toml").write_text(f"[ports]\n{ports}")
    settings = load({"SYNCLINE_HOME": str(home)})
    try:
        with Reporter(Console(stderr=True)) as report:
            up.up(settings, report)
        yield settings
    finally:
        for sentence in up.down(settings, wipe=True):
            say(sentence)
        left = compose.of(settings).containers()
        shutil.rmtree(home, ignore_errors=True)
        assert left == []


@pytest.fixture(scope="session")
def stack(containers: LocalSettings) -> Mapping[str, Any]:
    """What `syncline status --json` says of the stack in containers."""
    return status.as_json(containers)
