"""What the supervisor wrote and what the system says of each process become `syncline status`."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import psutil
from rich.table import Table

from ops.local import control, endpoints, state
from ops.local.settings import LocalSettings


@dataclass(frozen=True, slots=True)
class Row:
    """One process, as an operator wants to see it."""

    name: str
    state: state.State
    pid: int | None
    port: int | None
    rss_bytes: int
    uptime_s: int
    note: str


def rows(settings: LocalSettings) -> list[Row]:
    """Look at every process; without a supervisor nobody keeps it up, so it counts as stopped."""
    supervised = control.supervisor(settings) is not None
    return [_row(entry, supervised=supervised) for entry in control.seen(settings).values()]


def as_json(settings: LocalSettings) -> Mapping[str, Any]:
    """Give the form that other programs read: processes, endpoints, credentials."""
    found = endpoints.read(settings)
    return {
        "processes": [
            {key: value for key, value in asdict(row).items() if key != "note"}
            for row in rows(settings)
        ],
        "endpoints": asdict(found) if found else {},
    }


def table(rows: Iterable[Row]) -> Table:
    """Draw the same for a person."""
    drawn = Table(box=None, pad_edge=False)
    for title in ("process", "state", "pid", "port", "memory", "uptime", ""):
        drawn.add_column(title, justify="right" if title in {"pid", "port", "memory"} else "left")
    for row in rows:
        colour = {"running": "green", "failed": "red"}.get(row.state, "yellow")
        drawn.add_row(
            row.name,
            f"[{colour}]{row.state}[/]",
            str(row.pid or ""),
            str(row.port or ""),
            f"{row.rss_bytes / 1024**2:.0f} MiB" if row.rss_bytes else "",
            _duration(row.uptime_s) if row.pid else "",
            row.note,
        )
    return drawn


def _row(entry: state.Seen, *, supervised: bool) -> Row:
    alive = state.is_alive(entry)
    now: state.State = entry.state if supervised else "stopped"
    if now == "running" and not alive:
        now = "failed"
    uptime = time.time() - entry.created if alive and entry.created else 0
    return Row(
        name=entry.name,
        state=now,
        pid=entry.pid if alive else None,
        port=entry.port,
        rss_bytes=_memory(entry.pid) if alive and entry.pid else 0,
        uptime_s=int(uptime),
        note=entry.note or (f"restarted {entry.restarts} times" if entry.restarts else ""),
    )


def _memory(pid: int) -> int:
    """Sum a process and its children; what they share is counted once per process."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return sum(member.memory_info().rss for member in family)
    except psutil.NoSuchProcess:
        return 0


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
