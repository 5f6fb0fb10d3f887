"""What the engine says of each container becomes the rows and endpoints of `syncline status`."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.containers import compose
from ops.containers.compose import Compose
from ops.containers.secrets import directory
from ops.errors import OpsError
from ops.local.endpoints import Endpoints, of_kafka
from ops.local.secrets import write_private
from ops.local.settings import LocalSettings
from ops.local.state import State
from ops.local.status import Row

ONCE = frozenset({"topics", "capture", "connectors", "erp-seed", "shop-seed"})
_UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def file(settings: LocalSettings) -> Path:
    """Name the file that is there while this state directory runs in containers."""
    return settings.home / "containers" / "endpoints.json"


def rows(project: Compose, ports: Mapping[str, int]) -> list[Row]:
    """Look at every container; a one-shot service shows only when it failed."""
    found = {compose.service(container): container for container in project.containers()}
    memory = _memory(list(found.values()))
    return [
        row
        for name, container in sorted(found.items())
        if (row := _row(name, container, ports.get(name), memory.get(container["Id"], 0)))
        and not (name in ONCE and row.state != "failed")
    ]


def as_json(settings: LocalSettings) -> Mapping[str, Any]:
    """Give the same form as the local runtime does."""
    project = compose.of(settings)
    return {
        "processes": [
            {key: value for key, value in asdict(row).items() if key != "note"}
            for row in rows(project, published(settings))
        ],
        "endpoints": json.loads(file(settings).read_text()) if file(settings).is_file() else {},
    }


def published(settings: LocalSettings) -> dict[str, int]:
    """Give the ports that this machine can reach; everything else answers inside only."""
    ports = settings.ports
    return {
        "kafka": ports.kafka,
        "registry": ports.registry,
        "erp": ports.erp,
        "shop": ports.shop,
    }


def remember(settings: LocalSettings, project: Compose) -> None:
    """Write down where the stack answers, with the keys that the seeds left in their volumes."""
    erp = {"owner": _keys(project, "erp-seed", "/keys/owner/erp.json")}
    erp["sync"] = _keys(project, "erp-seed", "/keys/sync/syncline_tryton")
    shop = {"owner": _keys(project, "shop-seed", "/keys/owner/shop.json")}
    shop["sync"] = _keys(project, "shop-seed", "/keys/sync/syncline_vendure")
    secrets = {
        name: (directory(settings.home) / f"{name}_db").read_text().strip()
        for name in ("erp", "shop")
    }
    ports, outside = settings.ports, of_kafka(settings)
    known = Endpoints(
        kafka=outside.kafka,
        registry=outside.registry,
        connect="http://connect-control:8083",  # inside, on the network `control`, and only there
        erp={
            "url": f"http://127.0.0.1:{ports.erp}",
            "database": "erp",
            **erp["owner"],
            "dsn": f"postgresql://erp:{secrets['erp']}@postgres:5432/erp",
            "sync": erp["sync"],
        },
        shop={
            "shop_api": f"http://127.0.0.1:{ports.shop}/shop-api",
            "admin_api": f"http://127.0.0.1:{ports.shop}/admin-api",
            **shop["owner"],
            "dsn": f"postgresql://shop:{secrets['shop']}@postgres:5432/shop",
            "sync": shop["sync"],
        },
    )
    write_private(file(settings), json.dumps(asdict(known), indent=2) + "\n")


def _keys(project: Compose, seed: str, path: str) -> dict[str, str]:
    text = project.run(
        *("run", "--rm", "--no-deps", "-T", "--entrypoint", "cat", seed, path),
        doing=f"Reading the keys that {seed} left",
    )
    try:
        keys: dict[str, str] = json.loads(text)
    except json.JSONDecodeError as error:
        raise OpsError(f"{seed} left no keys: `docker compose logs {seed}` says why.") from error
    return keys


def _row(name: str, container: Mapping[str, Any], port: int | None, rss_bytes: int) -> Row:
    state = container["State"]
    alive = state["Status"] == "running"
    uptime = (datetime.now(UTC) - _moment(state["StartedAt"])).total_seconds() if alive else 0
    restarts = int(container.get("RestartCount", 0))
    return Row(
        name=name,
        state=health(state),
        pid=state["Pid"] or None,
        port=port,
        rss_bytes=rss_bytes,
        uptime_s=int(uptime),
        note=_last_word(state) or (f"restarted {restarts} times" if restarts else ""),
    )


def health(state: Mapping[str, Any]) -> State:
    """Give the one word of `status` for what the engine says of a container."""
    judged = state.get("Health", {}).get("Status", "healthy")
    match state["Status"], judged:
        case "running", "healthy":
            return "running"
        case "running" | "restarting" | "created", "starting":
            return "starting"
        case "created", _:
            return "starting"
        case "exited", _ if state["ExitCode"] == 0:
            return "stopped"
    return "failed"


def _last_word(state: Mapping[str, Any]) -> str:
    """Give what a failing health check said."""
    judged = state.get("Health") or {}
    if judged.get("Status") != "unhealthy" or not judged.get("Log"):
        return ""
    return str(judged["Log"][-1]["Output"]).strip()[-120:]


def _memory(containers: list[Mapping[str, Any]]) -> dict[str, int]:
    ids = [one["Id"] for one in containers if one["State"]["Status"] == "running"]
    if not ids:
        return {}
    form = "{{.ID}} {{.MemUsage}}"
    lines = compose.docker("stats", "--no-stream", "--no-trunc", "--format", form, *ids)
    return {line.split()[0]: _bytes(line.split()[1]) for line in lines.splitlines() if line.strip()}


def _bytes(text: str) -> int:
    number = text.rstrip("BKMGi")
    return int(float(number) * _UNITS.get(text[len(number) :], 1)) if number else 0


def _moment(text: str) -> datetime:
    """Read the engine's time, whose nanoseconds Python does not know."""
    whole, _, rest = text.partition(".")
    return datetime.fromisoformat(f"{whole}+00:00") if rest else datetime.now(UTC)
