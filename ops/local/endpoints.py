"""Where the local stack answers and with which credentials: run/endpoints.json, mode 600."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ops.local.secrets import write_private
from ops.local.settings import LocalSettings


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The form that `syncline status --json` gives, so that any program can be pointed at it."""

    kafka: str
    registry: str
    connect: str
    erp: Mapping[str, Any] = field(default_factory=dict)
    shop: Mapping[str, Any] = field(default_factory=dict)


def of_kafka(settings: LocalSettings) -> Endpoints:
    """Give the endpoints that follow from the ports alone."""
    ports = settings.ports
    return Endpoints(
        kafka=f"127.0.0.1:{ports.kafka}",
        registry=f"http://127.0.0.1:{ports.registry}/apis/ccompat/v7",
        connect=f"http://127.0.0.1:{ports.connect}",
    )


def write(settings: LocalSettings, endpoints: Endpoints) -> None:
    """Keep the endpoints for `status` and for the programs that ask it."""
    text = json.dumps(asdict(endpoints), indent=2) + "\n"
    write_private(settings.run / "endpoints.json", text)


def read(settings: LocalSettings) -> Endpoints | None:
    """Give the endpoints of the last `up`, if there was one."""
    path = settings.run / "endpoints.json"
    return Endpoints(**json.loads(path.read_text())) if path.is_file() else None
