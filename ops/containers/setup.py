"""
Secrets and addresses in, topics, publications and connectors out: the one-shot services.

``python -m ops.containers.setup topics|capture|connectors``; each may run any number of times.
Addresses come from the environment, passwords from the files that compose mounts.
"""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from ops import capture, connectors, topics
from ops.connect import Connect
from ops.containers.secrets import CAPTURE_DATABASES
from ops.errors import OpsError
from runtime import settings
from runtime.admin import Admin
from runtime.errors import PlatformError
from schemas.topics import topics as wanted_topics

SECRETS = Path("/run/secrets")


def apply_topics() -> None:
    """Create what is missing; a topic with other partitions is reported and left alone."""
    kafka = settings.load().kafka
    admin = Admin.connect(kafka.cluster, replication_factor=kafka.replication_factor)
    goal = wanted_topics()
    plan = topics.plan(goal, admin.describe([topic.name for topic in goal]))
    topics.apply(plan, admin)
    _say("\n".join(topics.lines(plan)) or "Every topic is as schemas/topics.py says.")
    if plan.stuck:
        raise OpsError("\n".join(plan.stuck))


def prepare_capture() -> None:
    """Publish the captured tables of each database, and let one role each read them."""
    password = _secret("postgres")
    host = _environment("POSTGRES_HOST")
    for system, database in CAPTURE_DATABASES.items():
        admin = f"postgresql://postgres:{password}@{host}:5432/{database}"
        user = f"capture_{system}"
        capture.prepare(admin, connectors.read(system), user=user, password=_secret(user))
        _say(f"{system}: published for {user}")


def apply_connectors() -> None:
    """Register every connector, and wait until its rows flow."""
    with httpx.Client(base_url=_environment("CONNECT_URL"), timeout=60) as client:
        connect = Connect(client)
        for system in connectors.systems():
            changed = connect.register(system, connectors.expand(connectors.read(system)))
            connect.wait_running(system, deadline_seconds=180)
            _say(f"{system}: running ({'changed' if changed else 'as it was'})")


STEPS: Mapping[str, Callable[[], None]] = {
    "topics": apply_topics,
    "capture": prepare_capture,
    "connectors": apply_connectors,
}


def main(arguments: list[str]) -> int:
    """Do one step; what a person must mend is one sentence on standard error."""
    try:
        STEPS[arguments[0]]()
    except (OpsError, PlatformError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _secret(name: str) -> str:
    path = SECRETS / name
    if not path.is_file():
        raise OpsError(f"The secret {name} is not mounted: list it under this service's `secrets`.")
    return path.read_text().strip()


def _environment(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise OpsError(f"{name} is not set: give it under this service's `environment`.")
    return value


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
