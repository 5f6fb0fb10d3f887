"""What the supervisor knows, written to run/state.json and read by `syncline status`."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import psutil

State = Literal["running", "starting", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Seen:
    """
    One process as the supervisor last saw it.

    *created* is the kernel's start time of *pid*: a pid that was given to another program since
    is not mistaken for ours.
    """

    name: str
    state: State
    port: int | None = None
    pid: int | None = None
    created: float | None = None
    restarts: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class StackState:
    """The supervisor and its processes."""

    supervisor: Seen
    processes: tuple[Seen, ...] = ()


def seen_now(name: str, state: State, pid: int, **more: int | str | None) -> Seen:
    """Describe a live process, with the start time that identifies it."""
    try:
        created = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        created = None
    return Seen(name=name, state=state, pid=pid, created=created, **more)  # type: ignore[arg-type]


def is_alive(seen: Seen) -> bool:
    """Say whether the very process that was seen still runs."""
    if seen.pid is None or seen.created is None:
        return False
    try:
        process = psutil.Process(seen.pid)
        same = abs(process.create_time() - seen.created) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def write(path: Path, state: StackState) -> None:
    """Replace the state file in one step: a reader never sees half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(asdict(state), indent=2) + "\n")
    draft.replace(path)


def read(path: Path) -> StackState | None:
    """Read the state file, if a stack was ever started here."""
    if not path.is_file():
        return None
    value: Mapping[str, list[dict[str, object]]] = json.loads(path.read_text())
    return StackState(
        supervisor=Seen(**value["supervisor"]),  # type: ignore[arg-type]
        processes=tuple(Seen(**entry) for entry in value["processes"]),  # type: ignore[arg-type]
    )
