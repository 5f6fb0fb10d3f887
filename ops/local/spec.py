"""What one supervised process is: facts in, nothing run; the supervisor reads them from JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Ready:
    """
    How to see that a process does its work.

    * ``http``: a GET of *target* (a URL) answers below 500, and not that there is no such page
    * ``tcp``: *target* (``host:port``) accepts a connection
    * ``log``: *target* is a text that stands in the process's log since its start
    * ``alive``: the process still lives *seconds* after its start
    """

    kind: Literal["http", "tcp", "log", "alive"]
    target: str = ""
    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """
    One process: data only, so that it can be written down and read by another process.

    *user* is the account to run as when root starts the stack (PostgreSQL refuses root).
    *depends* names processes that must be ready before this one starts, and that stop after it.
    """

    name: str
    argv: tuple[str, ...]
    ready: Ready
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    port: int | None = None
    depends: tuple[str, ...] = ()
    user: str | None = None
    stop_signal: Literal["TERM", "INT"] = "TERM"
    stop_seconds: float = 15.0

    def as_json(self) -> dict[str, Any]:
        """Give the form that `from_json` reads."""
        return asdict(self) | {"cwd": str(self.cwd) if self.cwd else None}


def from_json(value: Mapping[str, Any]) -> ProcessSpec:
    """Read one process back from what `ProcessSpec.as_json` gave."""
    return ProcessSpec(
        name=value["name"],
        argv=tuple(value["argv"]),
        ready=Ready(**value["ready"]),
        env=dict(value["env"]),
        cwd=Path(value["cwd"]) if value["cwd"] else None,
        port=value["port"],
        depends=tuple(value["depends"]),
        user=value["user"],
        stop_signal=value["stop_signal"],
        stop_seconds=value["stop_seconds"],
    )
