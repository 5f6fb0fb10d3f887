"""`[local]` of syncline.toml and of the state directory's own local.toml become `LocalSettings`."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ops.errors import OpsError

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ports:
    """One loopback port per listener; `[local.ports]` in syncline.toml changes any of them."""

    kafka: int = 20092
    kafka_controller: int = 20093
    connect: int = 20083
    registry: int = 20081
    registry_management: int = 20082
    postgres: int = 20432
    erp: int = 20069
    shop: int = 20030
    queries: int = 20808


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """Where the local stack lives and how it runs."""

    home: Path
    cache: Path
    config: Path
    ports: Ports = field(default_factory=Ports)
    fsync: bool = True
    workers: bool = True

    @property
    def run(self) -> Path:
        """Everything that a running stack writes; `down --wipe` removes it."""
        return self.home / "run"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.run / "logs"


def load(environ: Mapping[str, str] = os.environ, root: Path = ROOT) -> LocalSettings:
    """
    Read the settings of one stack.

    SYNCLINE_HOME names the state directory, SYNCLINE_CONFIG the configuration file. A `local.toml`
    inside the state directory wins over both: a second stack on the same machine is a directory.
    """
    home = Path(environ.get("SYNCLINE_HOME", root / ".syncline")).resolve()
    config = Path(environ.get("SYNCLINE_CONFIG", root / "syncline.toml")).resolve()
    settings = LocalSettings(home=home, cache=home / "cache", config=config)
    for path, table in ((config, "local"), (home / "local.toml", None)):
        if path.is_file():
            settings = _merge(settings, _read(path, table), path)
    return settings


def _read(path: Path, table: str | None) -> Mapping[str, Any]:
    try:
        values = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise OpsError(f"{path.name} is not valid TOML: {error}. Mend that line.") from error
    chosen: Mapping[str, Any] = values.get(table, {}) if table else values
    return chosen


def _merge(settings: LocalSettings, values: Mapping[str, Any], path: Path) -> LocalSettings:
    known = {"ports", "fsync", "workers", "cache"}
    for name in values.keys() - known:
        raise OpsError(
            f"{path.name}: [local] has no setting {name!r}. Known are {', '.join(sorted(known))}."
        )
    return replace(
        settings,
        cache=Path(values.get("cache", settings.cache)),
        fsync=bool(values.get("fsync", settings.fsync)),
        workers=bool(values.get("workers", settings.workers)),
        ports=_ports(settings.ports, values.get("ports", {}), path),
    )


def _ports(ports: Ports, values: Mapping[str, Any], path: Path) -> Ports:
    known = {entry.name for entry in fields(Ports)}
    for name, port in values.items():
        if name not in known:
            raise OpsError(
                f"{path.name}: [local.ports] has no port {name!r}. "
                f"Known are {', '.join(sorted(known))}."
            )
        if not isinstance(port, int) or not 0 < port < 65536:
            raise OpsError(f"{path.name}: [local.ports] {name} = {port!r} is not a port number.")
    merged = Ports(**(asdict(ports) | dict(values)))
    if len(set(asdict(merged).values())) < len(known):
        raise OpsError(f"{path.name}: [local.ports] gives two listeners the same port.")
    return merged
